// The layers of CLIP's two towers (transformers/models/clip): norms before each half; separate queries, keys and
// values.
import { add, type Value } from "../../../graph/index.ts";
import { activations } from "../../activations.ts";
import { Config } from "../../config.ts";
import { attend } from "../../traced/attention.ts";
import type { Modules } from "../../traced/modules.ts";
import { readActivation, readHeads } from "../family.ts";

export type Layers = ReturnType<typeof readLayers>;

/** The settings of a tower; `absent` are the class's defaults. */
export function readLayers(config: Config, absent: { width: number; heads: number }) {
  const width = config.size("hidden_size", absent.width);
  return {
    width,
    heads: readHeads(config, "num_attention_heads", width, absent.heads),
    layers: config.size("num_hidden_layers", 12),
    inner: config.size("intermediate_size", 4 * absent.width),
    activation: readActivation(config, "hidden_act", "quick_gelu"),
    epsilon: config.number("layer_norm_eps", 1e-5),
  };
}

/** The config of a tower within that of both. If a file has `text_config_dict`, `text_config` is ignored. */
export const towerConfig = (config: Config, name: "text_config" | "vision_config"): Config =>
  config.part(`${name}_dict`) ?? config.part(name) ?? new Config(config.path, {}, `${name}.`);

/** Tokens [n, T, width] after the layers; `mask` is added to the scores. */
export function applyLayers(own: Layers, modules: Modules, tokens: Value, mask?: Value): Value {
  let x = tokens;
  for (let i = 0; i < own.layers; i++) x = applyLayer(own, modules.within(`encoder.layers.${i}`), x, mask);
  return x;
}

function applyLayer({ width, heads, inner, epsilon, activation }: Layers, modules: Modules, x: Value, mask?: Value) {
  for (const name of ["k_proj", "v_proj", "q_proj", "out_proj"])
    modules.reserveLinear(`self_attn.${name}`, width, width);
  const before = modules.layerNorm("layer_norm1", x, epsilon);
  const [q, k, v] = ["q_proj", "k_proj", "v_proj"].map((name) => modules.linear(`self_attn.${name}`, before, width));
  const middle = add(x, modules.linear("self_attn.out_proj", attend([q, k, v], { heads, mask }), width));
  for (const [name, from, to] of [
    ["fc1", width, inner],
    ["fc2", inner, width],
  ] as const)
    modules.reserveLinear(`mlp.${name}`, from, to);
  const wide = modules.linear("mlp.fc1", modules.layerNorm("layer_norm2", middle, epsilon), inner);
  return add(middle, modules.linear("mlp.fc2", activations[activation](wide), width));
}
