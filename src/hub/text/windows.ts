// A stream of tokens as a data set.
import { sha256, UserError } from "../../core/index.ts";
import { type Batch, countLabels, countWindows, type Dataset, readWindows } from "../../data/index.ts";
import type { TokenStream } from "./stream.ts";

export interface WindowsOptions {
  /** The name of the text in results and errors. */
  readonly name: string;
  readonly split: Dataset["split"];
  /** Number of tokens of a window. */
  readonly context: number;
  /** Number of windows, from the start; default all. */
  readonly samples?: number;
  /** Number of tokens in the network's vocabulary. */
  readonly vocabulary: number;
}

/**
 * The windows of a stream. Throws {@link UserError} if there are too few, or if a token is outside the network's
 * vocabulary.
 */
export function windowsOf({ ids, labels }: TokenStream, options: WindowsOptions): Dataset {
  const { name, split, context, samples, vocabulary } = options;
  const { count, positions } = countWindows(ids.length, { name, unit: "tokens", context, samples });
  const unknown = ids.subarray(0, positions + context).find((id) => id >= vocabulary);
  if (unknown !== undefined)
    throw new UserError(
      `The tokenizer gives token ${unknown}, but the network's vocabulary has ${vocabulary} tokens. Use the tokenizer that the network was trained with.`,
    );
  // windows drawn in training may end after the last whole window
  const areAllCounted = labels.subarray(0, positions - 1 + context).every((label) => label >= 0);
  const counts = countLabels(labels.subarray(0, count * context), context);
  const windows = (starts: ArrayLike<number>): Batch =>
    readWindows("input_ids", ids, (position) => labels[position], starts, context);
  const hashOf = (samples: number) => {
    const end = (samples - 1) * context + 1 + context;
    const bytes = (array: Int32Array<ArrayBuffer>, length: number) =>
      new Uint8Array(array.buffer, array.byteOffset, 4 * length);
    return sha256(Buffer.concat([bytes(ids, end), bytes(labels, end - 1)]));
  };
  return {
    name,
    split,
    count,
    inputs: [{ name: "input_ids", dtype: "int64", shape: [context] }],
    labelShape: [context],
    classes: vocabulary,
    get sha256() {
      return hashOf(count);
    },
    hashOf,
    weights: areAllCounted ? undefined : (counts ?? new Float32Array(count).fill(context)),
    batch: (indices) => windows(Array.from(indices, (i) => i * context)),
    windows,
    positions,
  };
}
