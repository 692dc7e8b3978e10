// Batches of a fixed size from a data set: the inputs of a compiled graph.
import { type DType, sizeOf, type Tensor } from "../core/index.ts";
import type { Dataset } from "./dataset.ts";

export interface ArrayType {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** The types of a batch: of the inputs, by the data's names, and of the labels. */
export interface BatchShape {
  readonly inputs: Readonly<Record<string, ArrayType>>;
  /** `areSomeIgnored`: some labels are negative and do not count. */
  readonly labels: ArrayType & { readonly areSomeIgnored?: boolean };
}

/** The largest default batch; larger ones are not faster, and need more memory. */
const most = 64;
/**
 * The limits for a large network, whose values between two segments are kept for every mix: input elements (four images
 * of 3x224x224), and tokens.
 */
const mostNumbers = 4 * 3 * 224 * 224;
const mostTokens = 1024;

/**
 * The batch size: the requested one, or one that makes all batches (nearly) full. An empty place costs as much as a
 * sample.
 */
export const batchSize = (samples: number, asked?: number, limit = most): number =>
  asked ? Math.min(asked, samples) : Math.ceil(samples / Math.ceil(samples / limit));

/** The largest batch for a large network. */
export function largeBatch({ inputs, labelShape }: Pick<Dataset, "inputs" | "labelShape">): number {
  const numbers = inputs.reduce((sum, { shape, axis }) => sum + (axis === null ? 0 : sizeOf(shape)), 0);
  const fit = Math.min(mostNumbers / numbers, labelShape.length ? mostTokens / sizeOf(labelShape) : most);
  return Math.max(1, Math.min(most, Math.floor(fit)));
}

/** The shapes of a batch of `size` samples. */
export function batchShape({ inputs, labelShape, labelType = "int64", weights }: Dataset, size: number): BatchShape {
  return {
    inputs: Object.fromEntries(
      inputs.map(({ name, dtype, shape, axis = 0 }) => [
        name,
        { dtype, shape: axis === null ? shape : shape.toSpliced(axis, 0, size) },
      ]),
    ),
    labels: { dtype: labelType, shape: [size, ...labelShape], areSomeIgnored: weights !== undefined },
  };
}

/**
 * The samples from `start` on. At the end of the data the last sample is repeated, so every batch has the same size.
 */
export function batchAt(
  data: Dataset,
  start: number,
  size: number,
): { inputs: Readonly<Record<string, Tensor>>; labels: Tensor } {
  return data.batch(Array.from({ length: size }, (_, i) => Math.min(start + i, data.count - 1)));
}
