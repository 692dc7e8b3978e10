// A copy of a checkpoint in which some tensors have new elements and everything else is as it was: metadata, wrappers, names, order, the graph. Files
// with tensors in plain runs are copied with those runs replaced; zip archives are written member by member. A few pieces are in memory at a time.
import { stat } from "node:fs/promises";
import { hashWritten, sha256File, UserError, writeAtomic } from "../core/index.ts";
import type { Checkpoint, TensorInfo } from "./checkpoint.ts";
import { chunksOf } from "./chunks.ts";
import { bytesIn, type Elements } from "./elements.ts";
import { type Output, openOutput } from "./output.ts";
import { inPieces, makeRing, pieceBytes, type Ring } from "./pieces.ts";
import type { Source } from "./source.ts";
import { writeTensors } from "./write.ts";

/** New elements for a tensor, of its own dtype and shape; undefined leaves it as it is. */
export type Replace = (name: string) => Promise<Elements | undefined>;

/** A run of bytes that others may replace. */
export interface Patch {
  readonly begin: number;
  readonly length: number;
  /** As many bytes; undefined leaves the file's own. */
  bytes(): Promise<AsyncIterable<Uint8Array> | undefined>;
}

/** `size` bytes that `read` gives, with patches that do not overlap. */
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

/** The bytes of a replacement, whose type is compared with the tensor's. */
export async function replacement(info: TensorInfo, replace: Replace): Promise<AsyncIterable<Uint8Array> | undefined> {
  const fresh = await replace(info.name);
  return fresh && bytesIn(info, fresh, "in place of");
}

/** Bytes from which on a file is hashed while it is written. */
const large = 1 << 25;

/**
 * Writes a copy of a checkpoint with some tensors replaced, and returns its SHA-256. `names` tells which may be. A sharded checkpoint becomes one file.
 * Throws {@link UserError} when the file cannot be written; nothing is left behind then.
 */
export async function rewriteCheckpoint(
  checkpoint: Checkpoint,
  path: string,
  names: ReadonlySet<string>,
  replace: Replace,
): Promise<string> {
  const { prefix = "", tensors, metadata, format, files } = checkpoint;
  const chosen: Replace = async (name) => (names.has(name) ? replace(name) : undefined);
  const { rewrite } = checkpoint;
  if (rewrite) return writeHashed(path, files, (output) => rewrite(output, names, chosen));
  if (format === "onnx")
    throw new UserError(`${checkpoint.path} cannot be rewritten. Save the model again as one file.`);
  const infos = [...tensors.values()].map((info) => ({ ...info, name: prefix + info.name }));
  const ring = makeRing();
  const read = async (name: string) => {
    const own = name.slice(prefix.length);
    return (await chosen(own)) ?? chunksOf(checkpoint, own, pieceBytes, ring);
  };
  return writeHashed(path, files, (output) => writeTensors(output, format, infos, read, metadata));
}

/** Writes a file of about the size of others. */
async function writeHashed(
  path: string,
  like: readonly string[],
  write: (output: Output) => Promise<void>,
): Promise<string> {
  const sizes = await Promise.all(like.map((file) => stat(file).then(({ size }) => size)));
  let digest = "";
  await writeAtomic(path, async (handle, temporary) => {
    const hashing = sizes.reduce((sum, size) => sum + size, 0) < large ? undefined : hashWritten(temporary);
    try {
      const output = openOutput(handle, hashing?.upTo);
      await write(output);
      await output.flush();
      digest = await (hashing ? hashing.digest() : sha256File(temporary));
    } finally {
      await hashing?.stop();
    }
  });
  return digest;
}
