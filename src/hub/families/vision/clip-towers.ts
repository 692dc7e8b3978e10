// CLIP's towers: images and sentences as vectors, before their projections.
import { tensor } from "../../../core/index.ts";
import {
  add,
  causalMask,
  div,
  type Graph,
  gather,
  mul,
  reduceSum,
  reshape,
  slice,
  sqrt,
  type Value,
} from "../../../graph/index.ts";
import type { Config } from "../../config.ts";
import type { Modules } from "../../traced/modules.ts";
import { applyLayers, readLayers } from "./clip-layers.ts";
import { countPatches, patchTokens, readPatches, withTokens } from "./patches.ts";

export type VisionTower = ReturnType<typeof readVision>;
export type TextTower = ReturnType<typeof readText>;

export const readVision = (config: Config) => ({
  layers: readLayers(config, { width: 768, heads: 12 }),
  patches: readPatches(config, 224, 32),
});

export function readText(config: Config) {
  const end = config.number("eos_token_id", 49407);
  return {
    layers: readLayers(config, { width: 512, heads: 8 }),
    vocabulary: config.size("vocab_size", 49408),
    context: config.size("max_position_embeddings", 77),
    /** The token that ends a sentence and represents it. Older files have 2 here, but use the largest token. */
    end: end === 2 ? undefined : end,
  };
}

/** Images as tokens [n, 1 + patches, width], before the last norm, which some heads do not use. */
export function encodeImages({ layers, patches }: VisionTower, modules: Modules, pixels: Value): Value {
  const { width, epsilon } = layers;
  const embeddings = modules.within("embeddings");
  const token = embeddings.parameter("class_embedding", [width]);
  const image = patchTokens(embeddings, "patch_embedding", pixels, width, patches.side, false);
  const positions = embeddings.parameter("position_embedding.weight", [countPatches(patches) + 1, width]);
  const x = modules.layerNorm("pre_layrnorm", add(withTokens([token], image), positions), epsilon);
  const encoded = applyLayers(layers, modules, x);
  for (const name of ["weight", "bias"]) modules.reserve(`post_layernorm.${name}`, [width]);
  return encoded;
}

/** Sentences of one length as vectors [n, width], taken at the first end token; later tokens do not count. */
export function encodeSentences(
  { layers, vocabulary, context, end }: TextTower,
  modules: Modules,
  graph: Graph,
  sentences: readonly (readonly number[])[],
): Value {
  const [n, t] = [sentences.length, sentences[0].length];
  const ids = graph.constant(tensor("int64", [n, t], sentences.flat()));
  const embeddings = modules.within("embeddings");
  const tokens = embeddings.embedding("token_embedding", ids, vocabulary, layers.width);
  const table = embeddings.parameter("position_embedding.weight", [context, layers.width]);
  const placed = add(tokens, slice(table, 0, 0, t));
  const encoded = applyLayers(layers, modules, placed, causalMask(graph, "float32", t));
  const x = modules.layerNorm("final_layer_norm", encoded, layers.epsilon);
  const ends = sentences.map((ids, i) => i * t + Math.max(0, ids.indexOf(end ?? Math.max(...ids))));
  return gather(reshape(x, [n * t, layers.width]), graph.constant(tensor("int64", [n], ends)), 0);
}

/** Scales rows to norm 1. */
export const unitRows = (x: Value): Value => div(x, sqrt(reduceSum(mul(x, x), [-1], { keep: true })));
