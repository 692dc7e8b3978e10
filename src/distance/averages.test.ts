import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readTensors, temporaryFolder, writeNew } from "../../test/checkpoints.ts";
import { randomTensor } from "../../test/onnx-graphs.ts";
import type { Tensor } from "../core/index.ts";
import { merge } from "../merging/index.ts";
import { notesOfAverages } from "./averages.ts";
import { compareFiles } from "./compare.ts";

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

describe("a moving average in one file only", () => {
  const tensors = (seed: string, names: readonly string[]) =>
    new Map(names.map((name): [string, Tensor] => [name, randomTensor(seed + name, [4])]));
  const averages = leaves.map((name) => `ema_${name.replace(".", "_")}`);

  it("is left out of distances and unchanged by a merge, with a note, whichever end it is in", async () => {
    const [own, other] = [tensors("a", [...leaves, ...averages]), tensors("b", leaves)];
    const [x, y] = [await writeNew(Object.fromEntries(own)), await writeNew(Object.fromEntries(other))];
    const plain = await compareFiles(await writeNew(Object.fromEntries(tensors("a", leaves))), y);
    const { distance, layers, notes } = await compareFiles(x, y);
    expect([distance, layers]).toEqual([plain.distance, plain.layers]);
    expect(notes?.join()).toContain("a moving average of the weights, which");
    expect((await compareFiles(y, x)).distance.full).toEqual(plain.distance.full);
    const out = join(temporaryFolder(), "m.safetensors");
    await merge({ a: x, b: y, out });
    const merged = await readTensors(out);
    for (const name of averages) expect(merged.get(name)).toEqual(own.get(name));
    for (const name of leaves)
      expect(merged.get(name)!.data[0]).toBeCloseTo(
        ((own.get(name)!.data[0] as number) + (other.get(name)!.data[0] as number)) / 2,
        6,
      );
  });
});
