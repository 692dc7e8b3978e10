// The forward pass of a decoder: tokens [n, T] give logits [n, T, vocabulary]. Angles and masks depend only on T, so
// they are constants.
import {
  add,
  causalMask,
  div,
  type Graph,
  gather,
  layerNormalization,
  linear,
  matmul,
  mul,
  reduceMean,
  reshape,
  slice,
  softmax,
  sqrt,
  swapLast,
  tanh,
  transpose,
  type Value,
} from "../../graph/index.ts";
import type { Weights } from "../../models/index.ts";
import { activations } from "../activations.ts";
import { type Attention, type Block, blockPath, type Decoder, embeddingName, headName, type Mlp } from "./decoder.ts";
import { rotate, shareConstants } from "./rotate.ts";

/** The logits of tokens; `weights` gives the value of a parameter. */
export function decode(decoder: Decoder, ids: Value, weights: Weights): Value {
  const { prefix, positions, embeddingScale, blocks, finalNorm, logitCap } = decoder;
  const t = ids.shape[1];
  let x = gather(weights(embeddingName(decoder)), ids, 0);
  if (embeddingScale) x = mul(x, embeddingScale);
  if (positions) x = add(x, slice(weights(`${prefix}${positions}.weight`), 0, 0, t));
  blocks.forEach((block, i) => {
    x = applyBlock(decoder, block, x, (name) => weights(`${blockPath(decoder, i)}.${name}`));
  });
  const logits = linear(normalise(decoder, x, weights, `${prefix}${finalNorm}`), weights(headName(decoder)));
  return logitCap ? capped(logits, logitCap) : logits;
}

function applyBlock(decoder: Decoder, block: Block, x: Value, weights: Weights): Value {
  const { attention, mlp, before, after, isParallel } = block;
  const norm = (value: Value, name?: string) => (name ? normalise(decoder, value, weights, name) : value);
  const attended = norm(attend(decoder, attention, norm(x, before.attention), weights), after.attention);
  const middle = add(x, attended);
  const changed = norm(applyMlp(decoder, mlp, norm(isParallel ? x : middle, before.mlp), weights), after.mlp);
  return add(middle, changed);
}

function normalise({ norm }: Decoder, x: Value, weights: Weights, name: string): Value {
  const weight = weights(`${name}.weight`);
  if (norm.kind === "layer") return layerNormalization(x, weight, weights(`${name}.bias`), norm.epsilon);
  const size = sqrt(add(reduceMean(mul(x, x), [-1], { keep: true }), norm.epsilon));
  return mul(div(x, size), norm.isOffset ? add(weight, 1) : weight);
}

function project({ isTransposed }: Decoder, x: Value, weights: Weights, name: string, hasBias: boolean): Value {
  const weight = weights(`${name}.weight`);
  return linear(x, isTransposed ? swapLast(weight) : weight, hasBias ? weights(`${name}.bias`) : null);
}

function attend(decoder: Decoder, attention: Attention, x: Value, weights: Weights): Value {
  const { heads, keyValueHeads, headDim, scale, norms, rotary, window, cap, out, hasOutBias } = attention;
  const [n, t] = x.shape;
  let [q, k, v] = queriesKeysValues(decoder, attention, x, weights);
  if (norms?.over === "whole")
    [q, k] = [normalise(decoder, q, weights, norms.q), normalise(decoder, k, weights, norms.k)];
  q = reshape(q, [n, t, heads, headDim]);
  k = reshape(k, [n, t, keyValueHeads, headDim]);
  if (norms?.over === "head")
    [q, k] = [normalise(decoder, q, weights, norms.q), normalise(decoder, k, weights, norms.k)];
  const byHead = (value: Value) => transpose(value, [0, 2, 1, 3]);
  [q, k, v] = [byHead(q), byHead(k), byHead(reshape(v, [n, t, keyValueHeads, headDim]))];
  if (rotary) [q, k] = [rotate(q, rotary), rotate(k, rotary)];

  // queries with the same key head are rows of one product
  const shared = heads / keyValueHeads;
  let scores = matmul(reshape(mul(q, scale), [n, keyValueHeads, shared * t, headDim]), swapLast(k));
  if (cap) scores = capped(scores, cap);
  const seen = softmax(add(reshape(scores, [n, keyValueHeads, shared, t, t]), seenBefore(x.graph, t, window)));
  const mixed = matmul(reshape(seen, [n, keyValueHeads, shared * t, t]), v);
  const joined = reshape(byHead(reshape(mixed, [n, heads, t, headDim])), [n, t, heads * headDim]);
  return project(decoder, joined, weights, out, hasOutBias);
}

/** The three projections [n, T, heads * headDim]. */
function queriesKeysValues(decoder: Decoder, attention: Attention, x: Value, weights: Weights): Value[] {
  const { heads, keyValueHeads, headDim, hasBias } = attention;
  const by = attention.project;
  if (by.kind === "separate") return [by.q, by.k, by.v].map((name) => project(decoder, x, weights, name, hasBias));
  const [n, t] = x.shape;
  const joined = project(decoder, x, weights, by.name, hasBias);
  if (by.kind === "heads") {
    const each = reshape(joined, [n, t, heads, 3 * headDim]);
    return [0, 1, 2].map((i) => slice(each, 3, i * headDim, (i + 1) * headDim));
  }
  const [queries, keys] = [heads * headDim, keyValueHeads * headDim];
  return [
    slice(joined, 2, 0, queries),
    slice(joined, 2, queries, queries + keys),
    slice(joined, 2, queries + keys, queries + 2 * keys),
  ];
}

function seenBefore(graph: Graph, t: number, window = t): Value {
  return shareConstants(graph, `mask ${t} ${window}`, () => [causalMask(graph, "float32", t, window)])[0];
}

function applyMlp(
  decoder: Decoder,
  { project: by, width, activation, down, hasBias }: Mlp,
  x: Value,
  weights: Weights,
) {
  const act = activations[activation];
  const apply = (value: Value, name: string) => project(decoder, value, weights, name, hasBias);
  if (by.kind === "plain") return apply(act(apply(x, by.up)), down);
  if (by.kind === "gated") return apply(mul(act(apply(x, by.gate)), apply(x, by.up)), down);
  const both = apply(x, by.name);
  return apply(mul(act(slice(both, 2, 0, width)), slice(both, 2, width, 2 * width)), down);
}

const capped = (x: Value, cap: number): Value => mul(tanh(mul(x, 1 / cap)), cap);
