// Reads in pieces that reuse a little memory, since allocating costs more than reading. The next piece is read ahead.
import type { Source } from "./source.ts";

/** The most bytes of a piece. */
export const pieceBytes = 1 << 21;

/** Returns memory of up to {@link pieceBytes}, which is reused every third time. */
export type Ring = (length: number) => Uint8Array<ArrayBuffer>;

/** Three buffers in turn: one is being read, one processed, one written. */
export function makeRing(): Ring {
  const memory: Uint8Array<ArrayBuffer>[] = [];
  let turn = 0;
  return (length) => {
    const i = turn++ % 3;
    if (!memory[i] || memory[i].length < length) memory[i] = new Uint8Array(length);
    return memory[i].subarray(0, length);
  };
}

/** `length` bytes from `begin`, in pieces of at most `most`. */
export async function* inPieces(
  read: Source["read"],
  begin: number,
  length: number,
  ring: Ring,
  most = pieceBytes,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const end = begin + length;
  const next = (at: number) => {
    const size = Math.min(most, end - at);
    const piece = read(at, size, ring(size));
    piece.catch(() => {}); // thrown when it is awaited
    return piece;
  };
  let ahead = length > 0 ? next(begin) : undefined;
  for (let at = begin; ahead; ) {
    const piece: Uint8Array<ArrayBuffer> = await ahead;
    at += piece.length;
    ahead = at < end ? next(at) : undefined;
    yield piece;
  }
}
