// Reads a tensor in pieces, so comparing two large files needs little memory.
import { bytesPerElement, type Tensor, tensorFromBytes } from "../core/index.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { inPieces, type Ring } from "./pieces.ts";

/** Default number of bytes of a piece. */
export const chunkBytes = 1 << 22;

/**
 * The elements of a tensor, row by row, as one-dimensional tensors of at most `limit` bytes. A compressed or strided
 * tensor is read at once. Pieces in a ring's memory stay valid until the second piece after them is requested.
 */
export async function* chunksOf(
  checkpoint: Checkpoint,
  name: string,
  limit = chunkBytes,
  ring?: Ring,
): AsyncGenerator<Tensor> {
  const range = checkpoint.range?.(name);
  if (!range) {
    const { dtype, data, shape } = await checkpoint.read(name);
    yield { dtype, shape: [shape.reduce((product, n) => product * n, 1)], data };
    return;
  }
  const { dtype } = checkpoint.tensors.get(name)!;
  const width = bytesPerElement(dtype);
  const step = Math.max(width, Math.floor(limit / width) * width);
  const memory: Ring = ring ?? ((length) => new Uint8Array(length));
  for await (const bytes of inPieces(range.read, 0, range.size, memory, step))
    yield tensorFromBytes(dtype, [bytes.length / width], bytes);
}
