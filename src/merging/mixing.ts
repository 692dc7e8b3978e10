// The average of a tensor of two files, chunk by chunk: read ahead, checked, averaged and handed on, in memory of a few chunks.
import { type Checkpoint, chunksOf, notFinite, type Ring } from "../checkpoints/index.ts";
import {
  allFinite,
  average,
  averageInto,
  bytesPerElement,
  type DType,
  type Tensor,
  tensorFromBytes,
} from "../core/index.ts";

/** Elements of a chunk. */
const chunkLength = 1 << 18;

/** A tensor in a file, and the memory that its chunks are read into. */
export interface Place {
  readonly file: Checkpoint;
  readonly name: string;
  readonly ring: Ring;
  /** Whether NaN and infinities are passed over. */
  readonly allowNonfinite?: boolean;
}

/** The elements of a tensor, in chunks of one length but the last. Throws {@link UserError} when one is NaN or infinite. */
export async function* chunksAt({ file, name, ring, allowNonfinite }: Place): AsyncGenerator<Tensor> {
  const limit = chunkLength * bytesPerElement(file.tensors.get(name)!.dtype);
  for await (const whole of chunksOf(file, name, limit, ring)) {
    // a tensor that is not contiguous in its file comes as one piece
    for (let at = 0; at < whole.data.length; at += chunkLength) {
      const data = whole.data.subarray(at, at + chunkLength) as Tensor["data"];
      const chunk: Tensor = { dtype: whole.dtype, shape: [data.length], data };
      if (!allowNonfinite && !allFinite(chunk)) throw notFinite(file.path, [name]);
      yield chunk;
    }
  }
}

/** (1 - alpha) a + alpha b of two tensors of one size, as `dtype`. */
export async function* averageChunks(
  a: Place,
  b: Place,
  alpha: number,
  dtype: DType,
  ring: Ring,
): AsyncGenerator<Tensor> {
  const [x, y] = [chunksAt(a), chunksAt(b)];
  for (;;) {
    const [one, other] = await Promise.all([x.next(), y.next()]);
    if (one.done || other.done) return;
    if (alpha === 0 || alpha === 1) yield average(one.value, other.value, alpha, dtype);
    else {
      const { length } = one.value.data;
      const result = tensorFromBytes(dtype, [length], ring(length * bytesPerElement(dtype)));
      averageInto(result, one.value, other.value, alpha);
      yield result;
    }
  }
}

/** Reads a tensor to its end, for the checks only. */
export async function requireFiniteAt(place: Place): Promise<void> {
  for await (const _ of chunksAt(place));
}
