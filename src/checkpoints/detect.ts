// Detects a file's format by its first bytes, never by its name. To add a format, add an entry to `fileReaders`.
import { existsSync, readdirSync } from "node:fs";
import { basename, dirname } from "node:path";
import { UserError } from "../core/index.ts";
import { isZip, openZip } from "./archive/zip.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { findCheckpoint, isModelParallel } from "./folder.ts";
import type { KeyChoice, KeyedFile } from "./keys.ts";
import { unwrapNames } from "./names.ts";
import { isNpz, openNpz } from "./npz/npz.ts";
import { isOnnx, openOnnx } from "./onnx/onnx.ts";
import { openSafetensors } from "./safetensors/safetensors.ts";
import { selectPrefix, withNote } from "./select.ts";
import { openShards } from "./shards.ts";
import { openSource, type Source } from "./source.ts";
import { isPickle, openTorchLegacy } from "./torch/legacy.ts";
import { isTorchZip, openTorchZip } from "./torch/zip.ts";
import { refuseByName, unknownArchive, unknownFormat } from "./unsupported.ts";

/** Opens files of one format. The first reader that recognises a file opens it. */
interface Reader {
  /** Whether a file that starts with these bytes (up to {@link headLength}) has this format. */
  recognises(head: Uint8Array): boolean;
  /**
   * Opens the file; closes `source` when the checkpoint is closed. `key` names a dictionary in the file, for formats
   * that have them.
   */
  open(source: Source, choice: KeyChoice): Promise<Checkpoint>;
}

const headLength = 64;
const brace = 0x7b;

const fileReaders: readonly Reader[] = [
  { recognises: (head) => head[8] === brace && head[7] === 0, open: openSafetensors }, // a length, then JSON
  { recognises: isZip, open: openArchive }, // .pt or .npz, depending on its directory
  { recognises: isPickle, open: openTorchLegacy },
  { recognises: isOnnx, open: openOnnx },
];

const index: Reader = {
  recognises: (head) => head[0] === brace,
  open: (source) => openShards(source, (path) => openBy(fileReaders, path)),
};

/** What of a file is opened. */
export interface OpenOptions {
  /**
   * Path of the dictionary that contains the network (`ema.shadow`; `.` for the top-level one), or prefix of the names
   * to use (`encoder`).
   */
  readonly key?: string;
  /**
   * Which file of the command it is, so that an error says how to give its key.
   * @internal
   */
  readonly end?: KeyedFile;
  /** Keep the names in the file. */
  readonly asStored?: boolean;
}

/**
 * Opens a checkpoint of any format; reads its headers only. Names come without wrappers such as `module.`. A folder
 * is opened as the checkpoint in it. Throws a {@link UserError} that names the file and the fault if it is missing,
 * damaged or not a checkpoint.
 * @param options Which dictionary of the file, and whether names stay as they are.
 * @example
 * ```ts
 * import { openCheckpoint } from "layerwise/checkpoints";
 *
 * const checkpoint = await openCheckpoint("rings-a.safetensors");
 * const weight = await checkpoint.read("layers.0.weight");
 * await checkpoint.close();
 * console.log(checkpoint.format, weight.dtype, weight.shape); // safetensors float32 [ 8, 2 ]
 * ```
 */
export async function openCheckpoint(path: string, options: OpenOptions = {}): Promise<Checkpoint> {
  const { key, end, asStored } = options;
  const checkpoint = { ...(await openBy([...fileReaders, index], await findCheckpoint(path), options)), end };
  try {
    if (checkpoint.format === "onnx" && key !== undefined)
      throw new UserError(
        `${checkpoint.path} is an ONNX graph, so --key does not apply to it. Omit --key for this file.`,
      );
    // names in an ONNX graph have no wrappers
    if (checkpoint.format === "onnx" || asStored) return checkpoint;
    const bare = unwrapNames(noteShard(checkpoint));
    const prefix = checkpoint.keyPrefix ?? key ?? "";
    return prefix === "" ? bare : { ...unwrapNames(selectPrefix(bare, prefix)), key };
  } catch (error) {
    await checkpoint.close();
    throw error;
  }
}

/** A note on shards that are not read: a shard may be opened alone, to compare it with the other end's. */
function noteShard(checkpoint: Checkpoint): Checkpoint {
  if (isModelParallel(basename(checkpoint.path)) && siblingsOf(checkpoint.path).some(isModelParallel))
    return withNote(
      checkpoint,
      `${checkpoint.path} has a part of every matrix (model parallelism), and the other parts beside it are not read.`,
    );
  if (existsSync(`${checkpoint.path}.index.json`))
    return withNote(
      checkpoint,
      `${checkpoint.path} has the index of shards beside it. The shards are not read: from_pretrained prefers the single file too.`,
    );
  const [, , count] = /-(\d{5})-of-(\d{5})\.\w+$/.exec(checkpoint.path) ?? [];
  if (count === undefined || Number(count) < 2) return checkpoint;
  return withNote(
    checkpoint,
    `${checkpoint.path} is one of ${Number(count)} shards, and the others are not read. For all, give their folder or index.`,
  );
}

const siblingsOf = (path: string): string[] => readdirSync(dirname(path)).filter((name) => name !== basename(path));

async function openBy(readers: readonly Reader[], path: string, choice: KeyChoice = {}): Promise<Checkpoint> {
  refuseByName(path);
  const source = await openSource(path);
  try {
    const head = await source.read(0, Math.min(source.size, headLength));
    const reader = readers.find(({ recognises }) => recognises(head));
    if (!reader) throw await unknownFormat(source, head);
    return await reader.open(source, choice);
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function openArchive(source: Source, choice: KeyChoice): Promise<Checkpoint> {
  const zip = await openZip(source);
  if (isTorchZip(zip)) return openTorchZip(zip, choice);
  if (isNpz(zip)) return openNpz(zip);
  throw unknownArchive(zip);
}
