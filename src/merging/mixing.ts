// The average of a tensor of two files, chunk by chunk: read ahead, checked and averaged, in the memory of a few
// chunks.
import { type Checkpoint, chunksOf, notFinite, type Ring } from "../checkpoints/index.ts";
import {
  allFinite,
  average,
  averageInto,
  brokenIn,
  bytesPerElement,
  type DType,
  type Tensor,
  tensorFromBytes,
} from "../core/index.ts";
import { endsAt, hasOverflowed } from "./overflow.ts";

/** Elements of a chunk. */
const chunkLength = 1 << 18;

/** A tensor in a file, with the memory that its chunks are read into. */
export interface Place {
  readonly file: Checkpoint;
  readonly name: string;
  readonly ring: Ring;
  /** Whether NaN and infinities are accepted. */
  readonly allowNonfinite?: boolean;
}

/** The elements of a tensor, in chunks of equal length except the last. */
async function* chunksAt({ file, name, ring }: Place): AsyncGenerator<Tensor, undefined> {
  const limit = chunkLength * bytesPerElement(file.tensors.get(name)!.dtype);
  for await (const whole of chunksOf(file, name, limit, ring)) {
    // a tensor that is not contiguous in its file comes as one piece
    for (let at = 0; at < whole.data.length; at += chunkLength) {
      const data = whole.data.subarray(at, at + chunkLength) as Tensor["data"];
      yield { dtype: whole.dtype, shape: [data.length], data };
    }
  }
}

/**
 * Chunks of two tensors of equal size. Throws {@link UserError} if one contains a NaN, or an infinity that the other
 * does not contain at the same position.
 */
async function* chunksOfBoth(a: Place, b: Place): AsyncGenerator<readonly [Tensor, Tensor]> {
  const [x, y] = [chunksAt(a), chunksAt(b)];
  for (;;) {
    const [{ value: one }, { value: other }] = await Promise.all([x.next(), y.next()]);
    if (!one || !other) return;
    if (!a.allowNonfinite && !(allFinite(one) && allFinite(other))) {
      const [isBroken, isOtherBroken] = brokenIn(one, other);
      if (isBroken || isOtherBroken) throw notFinite((isBroken ? a : b).file.path, [a.name]);
    }
    yield [one, other];
  }
}

/**
 * The chunks of a. Throws {@link UserError} if one contains a NaN, or an infinity that b does not contain at the same
 * position. b is read only if a is not finite.
 */
export async function* checkedChunks(a: Place, b: Place): AsyncGenerator<Tensor> {
  let isChecked = false;
  const fresh = { ring: (length: number) => new Uint8Array(length) };
  for await (const chunk of chunksAt(a)) {
    if (!isChecked && !allFinite(chunk)) {
      if (!b.file.tensors.has(b.name)) throw notFinite(a.file.path, [a.name], { areKept: true });
      for await (const [one, other] of chunksOfBoth({ ...a, ...fresh, allowNonfinite: true }, { ...b, ...fresh }))
        if (brokenIn(one, other)[0]) throw notFinite(a.file.path, [a.name], { areKept: true });
      isChecked = true;
    }
    yield chunk;
  }
}

/**
 * (1 - alpha) a + alpha b of two tensors of equal size, as `dtype`. Calls `onOverflow` for each chunk in which finite
 * ends gave an infinite result.
 */
export async function* averageChunks(
  a: Place,
  b: Place,
  alpha: number,
  dtype: DType,
  ring: Ring,
  onOverflow: () => void,
): AsyncGenerator<Tensor> {
  for await (const [one, other] of chunksOfBoth(a, b)) {
    const { length } = one.data;
    let result: Tensor;
    if (alpha === 0 || alpha === 1) result = average(one, other, alpha, dtype);
    else {
      result = tensorFromBytes(dtype, [length], ring(length * bytesPerElement(dtype)));
      averageInto(result, one, other, alpha);
    }
    if (hasOverflowed(result, endsAt(alpha, one, other))) onOverflow();
    yield result;
  }
}
