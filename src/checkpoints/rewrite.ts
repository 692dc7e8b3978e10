// A copy of a checkpoint in which some tensors have new elements and everything else is as it was: metadata, wrappers, names, order, the graph. Files
// with tensors in plain runs are copied with those runs replaced; zip archives are written member by member.
import type { FileHandle } from "node:fs/promises";
import { bytesOf, type Tensor, UserError, writeAtomic } from "../core/index.ts";
import type { Checkpoint, TensorInfo } from "./checkpoint.ts";
import type { Source } from "./source.ts";
import { writeCheckpoint } from "./write.ts";

/** New elements for a tensor, of its own dtype and shape; undefined leaves it as it is. */
export type Replace = (name: string) => Promise<Tensor | undefined>;

/** A run of bytes to be written in place of the file's own. */
export interface Patch {
  readonly begin: number;
  readonly length: number;
  bytes(): Promise<Uint8Array>;
}

/** Bytes that are copied at a time. */
const piece = 1 << 22;

/** Copies a file, with patches that do not overlap. */
export async function copyPatched(source: Source, handle: FileHandle, patches: readonly Patch[]): Promise<void> {
  let at = 0;
  const copyTo = async (end: number) => {
    for (; at < end; at += Math.min(piece, end - at))
      await handle.writeFile(await source.read(at, Math.min(piece, end - at)));
    at = end;
  };
  for (const { begin, length, bytes } of patches.filter((p) => p.length > 0).sort((a, b) => a.begin - b.begin)) {
    await copyTo(begin);
    const fresh = await bytes();
    if (fresh.length !== length) throw new Error(`${fresh.length} bytes in place of ${length}`);
    await handle.writeFile(fresh);
    at = begin + length;
  }
  await copyTo(source.size);
}

/** The elements of a replacement, after a look at its type. */
export async function replacement(info: TensorInfo, replace: Replace): Promise<Uint8Array | undefined> {
  const tensor = await replace(info.name);
  if (!tensor) return undefined;
  if (tensor.dtype !== info.dtype || String(tensor.shape) !== String(info.shape))
    throw new Error(`${info.name} is ${info.dtype}[${info.shape}], replaced by ${tensor.dtype}[${tensor.shape}]`);
  return bytesOf(tensor);
}

/**
 * Writes a copy of a checkpoint with some tensors replaced. `names` tells which may be. A sharded checkpoint becomes one file.
 * Throws {@link UserError} when the file cannot be written; nothing is left behind then.
 */
export async function rewriteCheckpoint(
  checkpoint: Checkpoint,
  path: string,
  names: ReadonlySet<string>,
  replace: Replace,
): Promise<void> {
  const { prefix = "", tensors, metadata, format } = checkpoint;
  const chosen: Replace = async (name) => (names.has(name) ? replace(name) : undefined);
  if (checkpoint.rewrite) return writeAtomic(path, (handle) => checkpoint.rewrite!(handle, names, chosen));
  if (format === "onnx")
    throw new UserError(`${checkpoint.path} cannot be rewritten. Save the model again as one file.`);
  const infos = [...tensors.values()].map((info) => ({ ...info, name: prefix + info.name }));
  await writeCheckpoint(
    path,
    format,
    infos,
    async (name) => (await chosen(name.slice(prefix.length))) ?? checkpoint.read(name.slice(prefix.length)),
    { ...metadata },
  );
}
