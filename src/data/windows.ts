// A text as windows of tokens that do not overlap: window i reads tokens [iT, iT + T) and predicts [iT + 1, iT + T + 1).
import { tensor } from "../core/index.ts";
import type { Batch } from "./dataset.ts";

export interface WindowCount {
  /** Whole windows of the text. */
  readonly have: number;
  /** Those that are asked for; default all. */
  readonly count: number;
  /** Positions at which a window may begin, which training draws from. */
  readonly positions: number;
}

/** Counts windows of `context` tokens in a text of so many tokens. */
export function countWindows(tokens: number, context: number, samples?: number): WindowCount {
  const have = Math.max(0, Math.floor((tokens - 1) / context));
  const count = samples ?? have;
  return { have, count, positions: samples === undefined ? tokens - context : (count - 1) * context + 1 };
}

/** The windows that begin at some positions; `next[i]` is what token i predicts. */
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
