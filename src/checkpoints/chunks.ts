// Reading a tensor in pieces, so that comparing two large files needs little memory.
import { bytesPerElement, type Tensor, tensorFromBytes } from "../core/index.ts";
import type { Checkpoint } from "./checkpoint.ts";

/** Bytes of a piece. */
export const chunkBytes = 1 << 22;

/**
 * The elements of a tensor, row by row, as one-dimensional tensors of at most `limit` bytes. Where the tensor lies whole in the file, only a piece is in
 * memory at a time; where it is packed or strided it is read at once.
 */
export async function* chunksOf(checkpoint: Checkpoint, name: string, limit = chunkBytes): AsyncGenerator<Tensor> {
  const range = checkpoint.range?.(name);
  if (!range) {
    const { dtype, data, shape } = await checkpoint.read(name);
    yield { dtype, shape: [shape.reduce((product, n) => product * n, 1)], data };
    return;
  }
  const { dtype } = checkpoint.tensors.get(name)!;
  const width = bytesPerElement(dtype);
  const step = Math.max(width, Math.floor(limit / width) * width);
  for (let at = 0; at < range.size; at += step) {
    const length = Math.min(step, range.size - at);
    yield tensorFromBytes(dtype, [length / width], await range.read(at, length));
  }
}
