// ViT and DeiT (transformers/models/vit, deit): norms before each half, scores from the class token. DeiT has a second
// token with its own head, for distillation.
import { add, mul, type Value } from "../../../graph/index.ts";
import type { Inputs } from "../../../models/index.ts";
import { activations } from "../../activations.ts";
import type { Config } from "../../config.ts";
import { attend } from "../../traced/attention.ts";
import type { Modules } from "../../traced/modules.ts";
import { tracedNetwork } from "../../traced/network.ts";
import { type Family, readActivation, readHeads } from "../family.ts";
import { readTask } from "../labels.ts";
import { countPatches, patchTokens, pixelsOf, readPatches, tokenAt, withTokens } from "./patches.ts";
import { newNamesOfMlp } from "./renames.ts";

interface Vit extends ReturnType<typeof readVit> {}

function readVit(config: Config) {
  const width = config.size("hidden_size", 768);
  return {
    width,
    layers: config.size("num_hidden_layers", 12),
    heads: readHeads(config, "num_attention_heads", width),
    inner: config.size("intermediate_size", 3072),
    activation: readActivation(config, "hidden_act", "gelu"),
    epsilon: config.number("layer_norm_eps", 1e-12),
    hasBias: config.flag("qkv_bias", true),
    patches: readPatches(config, 224, 16),
  };
}

/** The tokens after the last norm. `extra` are the names of tokens other than the class token. */
function encode(vit: Vit, modules: Modules, { pixel_values }: Inputs, extra: readonly string[]): Value {
  const { width, layers, patches, epsilon } = vit;
  const embeddings = modules.within("embeddings");
  const token = (name: string) => embeddings.parameter(name, [1, 1, width]);
  const first = token("cls_token");
  const positions = embeddings.parameter("position_embeddings", [1, countPatches(patches) + 1 + extra.length, width]);
  const tokens = [first, ...extra.map(token)];
  const image = patchTokens(embeddings, "patch_embeddings.projection", pixel_values, width, patches.side);
  let x = add(withTokens(tokens, image), positions);
  for (let i = 0; i < layers; i++) x = encodeLayer(vit, modules.within(`encoder.layer.${i}`), x);
  return modules.layerNorm("layernorm", x, epsilon);
}

function encodeLayer({ width, heads, inner, activation, epsilon, hasBias }: Vit, modules: Modules, x: Value): Value {
  const own = modules.within("attention.attention");
  for (const name of ["query", "key", "value"]) own.reserveLinear(name, width, width, { hasBias });
  modules.reserveLinear("attention.output.dense", width, width);
  const before = modules.layerNorm("layernorm_before", x, epsilon);
  const [q, k, v] = ["query", "key", "value"].map((name) => own.linear(name, before, width, { hasBias }));
  const middle = add(x, modules.linear("attention.output.dense", attend([q, k, v], { heads }), width));
  const after = modules.layerNorm("layernorm_after", middle, epsilon);
  const wide = activations[activation](modules.linear("intermediate.dense", after, inner));
  return add(middle, modules.linear("output.dense", wide, width));
}

export const vit: Family = {
  type: "vit",
  architectures: ["ViTForImageClassification"],
  read(config) {
    const own = readVit(config);
    const task = readTask(config);
    return tracedNetwork({
      input: pixelsOf(own.patches),
      task,
      settings: own,
      prefix: "vit.",
      heads: ["classifier"],
      renames: newNamesOfMlp,
      unused: /^vit\.(pooler\.|embeddings\.mask_token$)/,
      build: (modules, inputs) =>
        modules.linear("classifier", tokenAt(encode(own, modules.within("vit"), inputs, []), 0), task.count),
    });
  },
};

const [plain, withTeacher] = ["DeiTForImageClassification", "DeiTForImageClassificationWithTeacher"];

export const deit: Family = {
  type: "deit",
  architectures: [plain, withTeacher],
  isChosenByArchitecture: true,
  read(config, architecture) {
    const own = readVit(config);
    const task = readTask(config);
    const heads = architecture === withTeacher ? ["cls_classifier", "distillation_classifier"] : ["classifier"];
    return tracedNetwork({
      input: pixelsOf(own.patches),
      task,
      settings: { ...own, scores: heads.join(" and ") },
      prefix: "deit.",
      heads,
      renames: newNamesOfMlp,
      unused: /^deit\.(pooler\.|embeddings\.mask_token$)/,
      build(modules, inputs) {
        const x = encode(own, modules.within("deit"), inputs, ["distillation_token"]);
        const [one, other] = heads.map((name, i) => modules.linear(name, tokenAt(x, i), task.count));
        return other ? mul(add(one, other), 0.5) : one;
      },
    });
  },
};
