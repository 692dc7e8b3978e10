// Bidirectional attention, and the masks that are added to its scores. Masks use large finite numbers, so a query that
// sees no key (padding far from any token) gives a mean instead of NaN. No token of the text sees that mean.
import { tensor } from "../../core/index.ts";
import {
  add,
  cast,
  equal,
  type Graph,
  matmul,
  mul,
  reshape,
  scalar,
  softmax,
  swapLast,
  transpose,
  type Value,
} from "../../graph/index.ts";

const never = -1e30;

export interface AttendOptions {
  readonly heads: number;
  /** Added to the scores [n, heads, T, T]. */
  readonly mask?: Value;
  /** Applied to queries and keys [n, heads, T, size], such as a rotation. */
  turn?(x: Value): Value;
}

/** Queries, keys and values [n, T, width], with the heads side by side, give [n, T, width]. */
export function attend([q, k, v]: readonly Value[], { heads, mask, turn = (x) => x }: AttendOptions): Value {
  const [n, t, width] = q.shape;
  const size = width / heads;
  const byHead = (x: Value) => transpose(reshape(x, [n, x.shape[1], heads, size]), [0, 2, 1, 3]);
  const scores = matmul(mul(turn(byHead(q)), size ** -0.5), swapLast(turn(byHead(k))));
  const seen = softmax(mask ? add(scores, mask) : scores);
  return reshape(transpose(matmul(seen, byHead(v)), [0, 2, 1, 3]), [n, t, width]);
}

/** Turns `attention_mask` [n, T], 0 for padding, into a mask [n, 1, 1, T] that hides padding from every query. */
export function paddingMask(attention: Value): Value {
  const [n, t] = attention.shape;
  const isPadding = equal(attention, scalar(attention.graph, attention.dtype, 0));
  return reshape(mul(cast(isPadding, "float32"), never), [n, 1, 1, t]);
}

/** A mask [T, T] that lets a query see keys up to `reach` tokens away on either side. */
export function localMask(graph: Graph, t: number, reach: number): Value {
  const mask = tensor("float32", [t, t]);
  for (let i = 0; i < t * t; i++) if (Math.abs(Math.floor(i / t) - (i % t)) > reach) mask.data[i] = never;
  return graph.constant(mask);
}
