// A text as non-overlapping windows of tokens: window i reads tokens [iT, iT + T) and predicts [iT + 1, iT + T + 1).
import { tensor, UserError } from "../core/index.ts";
import type { Batch } from "./dataset.ts";
import { tooFewSamples } from "./too-few.ts";

export interface WindowCount {
  /** Number of windows requested; default all. */
  readonly count: number;
  /** Number of positions at which a window may start in training. */
  readonly positions: number;
}

export interface WindowOptions {
  /** The text, in an error. */
  readonly name: string;
  /** What a window consists of. */
  readonly unit: "tokens" | "characters";
  readonly context: number;
  /** Number of requested windows; default all. */
  readonly samples?: number;
}

/** Counts the windows in a text of `tokens` tokens. Throws {@link UserError} if there are too few. */
export function countWindows(tokens: number, { name, unit, context, samples }: WindowOptions): WindowCount {
  const have = Math.max(0, Math.floor((tokens - 1) / context));
  if (have === 0)
    throw new UserError(
      `${name} has ${tokens} ${unit}, which is less than one window of ${context} ${unit} and the next one. Use a longer text, or a shorter context.`,
    );
  if (samples !== undefined && samples > have)
    throw tooFewSamples(
      `${name} contains ${have} windows of ${context} ${unit}`,
      samples,
      "; or a shorter context: --context, or data.context",
    );
  const count = samples ?? have;
  return { count, positions: samples === undefined ? tokens - context : (count - 1) * context + 1 };
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
