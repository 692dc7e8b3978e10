// The order of samples in an epoch, and its batches.
import type { Random } from "../core/index.ts";

/** A random permutation of the samples. */
export const epochOrder = (random: Random, count: number): Uint32Array<ArrayBuffer> => random.permutation(count);

/** Consecutive batches of an order; the last one may be shorter. */
export function* batchesOf(order: Uint32Array<ArrayBuffer>, size: number): Generator<Uint32Array<ArrayBuffer>> {
  for (let start = 0; start < order.length; start += size) yield order.subarray(start, start + size);
}
