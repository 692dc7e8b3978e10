// DINOv2 (transformers/models/dinov2): each half's output is scaled per channel, positions are interpolated to the
// image size, and scores come from the class token and the mean of the patches.
import { add, concat, mul, slice, type Value } from "../../../graph/index.ts";
import { activations } from "../../activations.ts";
import type { Config } from "../../config.ts";
import { attend } from "../../traced/attention.ts";
import type { Modules } from "../../traced/modules.ts";
import { tracedNetwork } from "../../traced/network.ts";
import { type Family, readActivation, readHeads } from "../family.ts";
import { readTask } from "../labels.ts";
import { countPatches, meanFrom, patchTokens, pixelsOf, readPatches, tokenAt, withTokens } from "./patches.ts";
import { resizePositions } from "./positions.ts";
import { newNames } from "./renames.ts";

interface Dinov2 extends ReturnType<typeof readDinov2> {}

function readDinov2(config: Config) {
  const width = config.size("hidden_size", 768);
  return {
    width,
    layers: config.size("num_hidden_layers", 12),
    heads: readHeads(config, "num_attention_heads", width),
    inner: Math.trunc(width * config.number("mlp_ratio", 4)),
    isGated: config.flag("use_swiglu_ffn", false),
    activation: readActivation(config, "hidden_act", "gelu"),
    epsilon: config.number("layer_norm_eps", 1e-6),
    hasBias: config.flag("qkv_bias", true),
    patches: readPatches(config, 224, 14),
    hasMask: config.flag("use_mask_token", true),
  };
}

function encode(own: Dinov2, modules: Modules, pixels: Value): Value {
  const { width, layers, patches, epsilon, hasMask } = own;
  const embeddings = modules.within("embeddings");
  const token = embeddings.parameter("cls_token", [1, 1, width]);
  if (hasMask) embeddings.reserve("mask_token", [1, width]); // unused: no patches are masked
  const positions = embeddings.parameter("position_embeddings", [1, countPatches(patches) + 1, width]);
  const image = patchTokens(embeddings, "patch_embeddings.projection", pixels, width, patches.side);
  const [height, across] = pixels.shape.slice(2).map((size) => Math.floor(size / patches.side));
  let x = add(withTokens([token], image), resizePositions(positions, 1, patches, height, across));
  for (let i = 0; i < layers; i++) x = encodeLayer(own, modules.within(`encoder.layer.${i}`), x);
  return modules.layerNorm("layernorm", x, epsilon);
}

function encodeLayer(own: Dinov2, modules: Modules, x: Value): Value {
  const { width, heads, epsilon, hasBias } = own;
  const attention = modules.within("attention.attention");
  const before = modules.layerNorm("norm1", x, epsilon);
  const [q, k, v] = ["query", "key", "value"].map((name) => attention.linear(name, before, width, { hasBias }));
  const attended = modules.linear("attention.output.dense", attend([q, k, v], { heads }), width);
  const middle = add(x, mul(attended, modules.parameter("layer_scale1.lambda1", [width])));
  const changed = applyMlp(own, modules.within("mlp"), modules.layerNorm("norm2", middle, epsilon));
  return add(middle, mul(changed, modules.parameter("layer_scale2.lambda1", [width])));
}

function applyMlp({ width, inner, isGated, activation }: Dinov2, modules: Modules, x: Value): Value {
  if (!isGated) return modules.linear("fc2", activations[activation](modules.linear("fc1", x, inner)), width);
  const half = Math.floor((Math.trunc((inner * 2) / 3) + 7) / 8) * 8;
  const both = modules.linear("weights_in", x, 2 * half);
  const gate = activations.silu(slice(both, 2, 0, half));
  return modules.linear("weights_out", mul(gate, slice(both, 2, half, 2 * half)), width);
}

export const dinov2: Family = {
  type: "dinov2",
  architectures: ["Dinov2ForImageClassification"],
  read(config) {
    const own = readDinov2(config);
    const task = readTask(config);
    return tracedNetwork({
      input: pixelsOf(own.patches),
      task,
      settings: own,
      prefix: "dinov2.",
      heads: ["classifier"],
      renames: newNames,
      build(modules, { pixel_values }) {
        const x = encode(own, modules.within("dinov2"), pixel_values);
        return modules.linear("classifier", concat([tokenAt(x, 0), meanFrom(x, 1)], 1), task.count);
      },
    });
  },
};
