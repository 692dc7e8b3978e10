// New elements for a tensor in a file: the whole tensor, or pieces of it to save memory.
import { bytesOf, sizeOf } from "../../core/index.ts";
import type { Elements, TensorInfo } from "../checkpoint.ts";

/** A tensor's bytes, in pieces. */
export type BytesOf = (info: TensorInfo) => AsyncIterable<Uint8Array>;

/** The bytes of the elements for tensor `info`. Throws if the dtype or size differs; `how` completes the message. */
export async function* bytesIn(
  { name, dtype, shape }: TensorInfo,
  elements: Elements,
  how: string,
): AsyncGenerator<Uint8Array> {
  const differs = (found: string) => new Error(`${name} is ${found}, ${how} ${dtype}[${shape}]`);
  if (!(Symbol.asyncIterator in elements)) {
    if (elements.dtype !== dtype || `${elements.shape}` !== `${shape}`)
      throw differs(`${elements.dtype}[${elements.shape}]`);
    yield bytesOf(elements);
    return;
  }
  let count = 0;
  for await (const piece of elements) {
    if (piece.dtype !== dtype) throw differs(piece.dtype);
    count += piece.data.length;
    if (count > sizeOf(shape)) break;
    yield bytesOf(piece);
  }
  if (count !== sizeOf(shape)) throw differs(`of ${count} elements or more`);
}
