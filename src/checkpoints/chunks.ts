// Reads a tensor in pieces, so comparing two large files needs little memory.
import { bytesPerElement, type Tensor, tensorFromBytes } from "../core/index.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { inPieces, type Ring } from "./pieces.ts";

/** Default number of bytes of a piece. */
export const chunkBytes = 1 << 22;

/**
 * The elements of a tensor, row by row, as one-dimensional tensors of at most `limit` bytes (default 4 MiB). Where the
 * tensor is stored whole, only a piece is in memory at a time; where it is packed or strided it is read at once. Throws
 * a {@link UserError} for an unknown name or a damaged file.
 * @param ring Memory for the pieces; a piece is valid until the next but one is read. Default: new memory.
 * @example
 * ```ts
 * import { chunksOf, openCheckpoint } from "layerwise/checkpoints";
 *
 * const checkpoint = await openCheckpoint("rings-a.safetensors");
 * for await (const { data } of chunksOf(checkpoint, "layers.0.weight", 40)) console.log(data.length);
 * // 10
 * // 6
 * await checkpoint.close();
 * ```
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
