// Copies files with some spans of bytes replaced, a few pieces in memory at a time.
import type { Replace, TensorInfo } from "../checkpoint.ts";
import { inPieces, makeRing, type Ring } from "../pieces.ts";
import type { Source } from "../source.ts";
import { bytesIn } from "./elements.ts";
import type { Output } from "./output.ts";

/** A span of bytes to replace. */
export interface Patch {
  readonly begin: number;
  readonly length: number;
  /** The new bytes, of the same length; undefined leaves the file's. */
  bytes(): Promise<AsyncIterable<Uint8Array> | undefined>;
}

/** The first `size` bytes from `read`, with patches that do not overlap. */
export async function* patched(
  read: Source["read"],
  size: number,
  patches: readonly Patch[],
  ring: Ring = makeRing(),
): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (const { begin, length, bytes } of patches.filter((p) => p.length > 0).sort((a, b) => a.begin - b.begin)) {
    const fresh = await bytes();
    if (!fresh) continue;
    yield* inPieces(read, at, begin - at, ring);
    yield* fresh;
    at = begin + length;
  }
  yield* inPieces(read, at, size - at, ring);
}

/** Copies a file, with patches that do not overlap. */
export async function copyPatched(source: Source, output: Output, patches: readonly Patch[]): Promise<void> {
  for await (const piece of patched(source.read, source.size, patches)) await output.write(piece);
}

/** The bytes of a replacement; checks its dtype and size. */
export async function replacement(info: TensorInfo, replace: Replace): Promise<AsyncIterable<Uint8Array> | undefined> {
  const fresh = await replace(info.name);
  return fresh && bytesIn(info, fresh, "in place of");
}
