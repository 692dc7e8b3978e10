import { describe, expect, it } from "vitest";
import { notesOfAverages } from "./averages.ts";

const leaves = ["fc1.weight", "fc1.bias", "fc2.weight"];
const under = (prefix: string) => leaves.map((name) => prefix + name);
const note = (copies: string, key?: string) => [
  `a.pt also contains a moving average of the weights (${copies}), which is treated like other weights.${key ? ` To exclude it, use --key ${key}.` : ""}`,
];

describe("a moving average among the names", () => {
  it.each<[string, readonly string[], string[]]>([
    [
      "of ema-pytorch",
      [...under("online_model."), ...under("ema_model."), "initted", "step"],
      note("ema_model.fc1.weight, ema_model.fc1.bias, ema_model.fc2.weight", "online_model"),
    ],
    [
      "of mmcv",
      [...under("backbone."), ...leaves.map((name) => `ema_backbone_${name.replace(".", "_")}`)],
      note("ema_backbone_fc1_weight, ema_backbone_fc1_bias, ema_backbone_fc2_weight", "backbone"),
    ],
    [
      "of mmcv, without a prefix",
      [...leaves, ...leaves.map((name) => `ema_${name.replace(".", "_")}`)],
      note("ema_fc1_weight, ema_fc1_bias, ema_fc2_weight"),
    ],
    [
      "of latent diffusion",
      [...under("model.unet."), ...leaves.map((name) => `model_ema.unet${name.replace(".", "")}`), "model_ema.decay"],
      note("model_ema.unetfc1weight, model_ema.unetfc1bias, model_ema.unetfc2weight", "model"),
    ],
    ["of other weights", [...under("model."), "vq.ema_w", "vq.ema_size"], []],
    ["alone", under("ema_model."), []],
    ["that is none", [...under("encoder."), ...under("decoder.")], []],
    ["in a word", [...under("net."), ...under("schema."), ...under("semantic.")], []],
    ["of a few", [...under("model."), ...under("model.a."), "ema.fc1.weight"], []],
    [
      "beside other networks, which the key would leave out",
      [...under("model."), ...under("model_ema."), "first_stage.conv.weight"],
      note("model_ema.fc1.weight, model_ema.fc1.bias, model_ema.fc2.weight"),
    ],
  ])("%s", (_, names, notes) =>
    expect(notesOfAverages("a.pt", names, (name) => ["initted", "step"].includes(name))).toEqual(notes),
  );
});
