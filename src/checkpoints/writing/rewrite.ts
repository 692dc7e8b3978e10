// Copies a checkpoint with some tensors replaced and everything else unchanged: metadata, wrappers, names, order, the
// graph. Files with contiguous tensors are copied with those spans replaced; zip archives are written member by member.
// Only a few pieces are in memory at a time.
import { stat } from "node:fs/promises";
import { hashWritten, sha256File, threadedBytes, UserError, writeAtomic } from "../../core/index.ts";
import type { Checkpoint, Replace } from "../checkpoint.ts";
import { chunksOf } from "../chunks.ts";
import { makeRing, pieceBytes } from "../pieces.ts";
import { type Output, openOutput } from "./output.ts";
import { writeTensors } from "./write.ts";

/**
 * Writes a copy of a checkpoint with some tensors replaced, in the same format and with the same metadata; returns its
 * SHA-256. `names` lists the tensors that may be replaced. A sharded checkpoint becomes one file. Throws a
 * {@link UserError} if the file cannot be written; nothing is left behind then.
 * @example
 * ```ts
 * import { openCheckpoint, rewriteCheckpoint } from "layerwise/checkpoints";
 *
 * const checkpoint = await openCheckpoint("rings-a.safetensors");
 * const names = new Set(["layers.2.bias"]);
 * const hash = await rewriteCheckpoint(checkpoint, "copy.safetensors", names, async (name) => ({
 *   ...(await checkpoint.read(name)),
 *   data: new Float32Array(2),
 * }));
 * await checkpoint.close();
 * console.log(hash.length); // 64
 * ```
 */
export async function rewriteCheckpoint(
  checkpoint: Checkpoint,
  path: string,
  names: ReadonlySet<string>,
  replace: Replace,
): Promise<string> {
  const { tensors, metadata, format, files, stored, readOnly } = checkpoint;
  if (readOnly) throw new UserError(readOnly);
  if (stored) {
    const own = new Map([...names].map((name) => [stored.nameOf(name), name]));
    return rewriteCheckpoint(stored.checkpoint, path, new Set(own.keys()), async (name) => {
      const fresh = await replace(own.get(name)!);
      const { shape } = stored.checkpoint.tensors.get(name)!;
      return fresh && !(Symbol.asyncIterator in fresh) ? { ...fresh, shape } : fresh;
    });
  }
  const chosen: Replace = async (name) => (names.has(name) ? replace(name) : undefined);
  const { rewrite } = checkpoint;
  if (rewrite) return writeHashed(path, files, (output) => rewrite(output, names, chosen));
  if (format === "onnx")
    throw new UserError(`${checkpoint.path} cannot be rewritten. Save the model again as one file.`);
  const ring = makeRing();
  const read = async (name: string) => (await chosen(name)) ?? chunksOf(checkpoint, name, pieceBytes, ring);
  return writeHashed(path, files, (output) => writeTensors(output, format, [...tensors.values()], read, metadata));
}

/** Writes a file and returns its digest; hashes in a thread if the files `like` it are large. */
async function writeHashed(
  path: string,
  like: readonly string[],
  write: (output: Output) => Promise<void>,
): Promise<string> {
  const sizes = await Promise.all(like.map((file) => stat(file).then(({ size }) => size)));
  let digest = "";
  await writeAtomic(path, async (handle, temporary) => {
    const hashing = sizes.reduce((sum, size) => sum + size, 0) < threadedBytes ? undefined : hashWritten(temporary);
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
