// A text as a data set: windows of so many tokens that do not overlap. Window i reads tokens [iT, iT + T) and predicts [iT + 1, iT + T + 1).
import { sha256, tensor, UserError } from "../../core/index.ts";
import type { Batch, Dataset } from "../../data/index.ts";
import type { TokenStream } from "./stream.ts";

export interface WindowsOptions {
  /** What the text is called in documents and errors. */
  readonly name: string;
  readonly split: string;
  /** Tokens of a window. */
  readonly context: number;
  /** The first so many windows; default all. */
  readonly samples?: number;
  /** Tokens that the network knows. */
  readonly vocabulary: number;
}

/** The windows of a stream. Throws {@link UserError} where there are too few, or a token is unknown to the network. */
export function windowsOf({ ids, labels }: TokenStream, options: WindowsOptions): Dataset {
  const { name, split, context, samples, vocabulary } = options;
  const have = Math.max(0, Math.floor((ids.length - 1) / context));
  if (have < 1 || (samples !== undefined && samples > have))
    throw new UserError(
      `${name} holds ${have} windows of ${context} tokens, but ${samples ?? 1} are asked for. Ask for fewer (--samples), or for shorter ones (--context).`,
    );
  const count = samples ?? have;
  // training by steps draws from any position
  const positions = samples === undefined ? ids.length - context : (count - 1) * context + 1;
  const unknown = ids.subarray(0, positions + context).find((id) => id >= vocabulary);
  if (unknown !== undefined)
    throw new UserError(
      `The tokenizer gives the token ${unknown}, but the network knows ${vocabulary}. Give the tokenizer that it was trained with.`,
    );
  const windows = (starts: ArrayLike<number>): Batch => {
    const input = tensor("int64", [starts.length, context]);
    const wanted = tensor("int64", [starts.length, context]);
    for (let i = 0; i < starts.length; i++)
      for (let t = 0; t < context; t++) {
        input.data[i * context + t] = BigInt(ids[starts[i] + t]);
        wanted.data[i * context + t] = BigInt(labels[starts[i] + t]);
      }
    return { inputs: { input_ids: input }, labels: wanted };
  };
  const hashOf = (samples: number) => {
    const end = (samples - 1) * context + 1 + context;
    const bytes = (array: Int32Array<ArrayBuffer>, length: number) =>
      new Uint8Array(array.buffer, array.byteOffset, 4 * length);
    return sha256(Buffer.concat([bytes(ids, end), bytes(labels, end - 1)]));
  };
  return {
    name,
    split: split as Dataset["split"],
    count,
    inputs: [{ name: "input_ids", dtype: "int64", shape: [context] }],
    labelShape: [context],
    classes: vocabulary,
    get sha256() {
      return hashOf(count);
    },
    hashOf,
    weights: countsOf(labels, count, context),
    batch: (indices) => windows(Array.from(indices, (i) => i * context)),
    windows,
    positions,
  };
}

/** Labels of each window that count; undefined where all do. */
function countsOf(labels: Int32Array, count: number, context: number): Float32Array | undefined {
  const counts = new Float32Array(count);
  for (let i = 0; i < count * context; i++) if (labels[i] >= 0) counts[Math.floor(i / context)]++;
  return counts.every((n) => n === context) ? undefined : counts;
}
