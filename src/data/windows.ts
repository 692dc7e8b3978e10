// A text as non-overlapping windows of tokens: window i reads tokens [iT, iT + T) and predicts [iT + 1, iT + T + 1).
import { tensor } from "../core/index.ts";
import type { Batch } from "./dataset.ts";

export interface WindowCount {
  /** Number of whole windows of the text. */
  readonly have: number;
  /** Number of windows requested; default all. */
  readonly count: number;
  /** Number of positions at which a window may start in training. */
  readonly positions: number;
}

/** Counts the windows of `context` tokens in a text of `tokens` tokens. */
export function countWindows(tokens: number, context: number, samples?: number): WindowCount {
  const have = Math.max(0, Math.floor((tokens - 1) / context));
  const count = samples ?? have;
  return { have, count, positions: samples === undefined ? tokens - context : (count - 1) * context + 1 };
}

/** The windows that start at some positions; `next(i)` is the token that token i predicts. */
export function readWindows(
  input: string,
  tokens: ArrayLike<number>,
  next: (position: number) => number,
  starts: ArrayLike<number>,
  context: number,
): Batch {
  const ids = tensor("int64", [starts.length, context]);
  const labels = tensor("int64", [starts.length, context]);
  for (let i = 0; i < starts.length; i++)
    for (let t = 0; t < context; t++) {
      ids.data[i * context + t] = BigInt(tokens[starts[i] + t]);
      labels.data[i * context + t] = BigInt(next(starts[i] + t));
    }
  return { inputs: { [input]: ids }, labels };
}
