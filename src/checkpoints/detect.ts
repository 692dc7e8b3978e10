// Which format a file is, told by its first bytes and never by its name. A new format is one more entry of `fileReaders`.
import { UserError } from "../core/index.ts";
import { isZip, openZip } from "./archive/zip.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { unwrapNames } from "./names.ts";
import { isNpy } from "./npz/npy.ts";
import { isNpz, openNpz } from "./npz/npz.ts";
import { isOnnx, openOnnx } from "./onnx/onnx.ts";
import { openSafetensors } from "./safetensors/safetensors.ts";
import { openShards } from "./shards.ts";
import { openSource, quote, type Source } from "./source.ts";
import { isPickle, openTorchLegacy } from "./torch/legacy.ts";
import { isTorchZip, openTorchZip } from "./torch/zip.ts";

/** One way to open a file. The first whose `recognises` says yes takes it. */
interface Reader {
  /** Judges by up to {@link headLength} bytes from the start. */
  recognises(head: Uint8Array): boolean;
  /** Opens the file; closes `source` when the checkpoint is closed. */
  open(source: Source): Promise<Checkpoint>;
}

const headLength = 64;
const brace = 0x7b;

const fileReaders: readonly Reader[] = [
  { recognises: (head) => head[8] === brace && head[7] === 0, open: openSafetensors }, // a length, then JSON
  { recognises: isZip, open: openArchive }, // .pt or .npz: its directory tells
  { recognises: isPickle, open: openTorchLegacy },
  { recognises: isOnnx, open: openOnnx },
];

const index: Reader = {
  recognises: (head) => head[0] === brace,
  open: (source) => openShards(source, (path) => openBy(fileReaders, path)),
};

/** Files that people give by mistake, with what to do. */
const strangers: readonly { readonly is: (head: Uint8Array) => boolean; readonly what: string }[] = [
  { is: startsWith("version https://git-lfs"), what: "is a Git LFS pointer, not the file itself. Run git lfs pull." },
  { is: startsWith("<"), what: "is a web page, not a checkpoint. Download the file itself." },
  { is: isNpy, what: "is a single .npy array. Save the arrays by name with numpy.savez." },
  { is: startsWith("\x89HDF"), what: "is an HDF5 file. Save the weights as .npz or .safetensors." },
  { is: startsWith("GGUF"), what: "is a GGUF file. Give the checkpoint it was made from." },
  { is: startsWith("\x1f\x8b"), what: "is packed by gzip. Unpack it first." },
];

/**
 * Opens a checkpoint of any format; reads its headers only. Names come without `module.` and the like ({@link unwrapNames}).
 * Throws {@link UserError} that names the file and the fault when it is missing, damaged or something else.
 * @example const checkpoint = await openCheckpoint("resnet.pt"); await checkpoint.read("conv1.weight");
 */
export async function openCheckpoint(path: string): Promise<Checkpoint> {
  const checkpoint = await openBy([...fileReaders, index], path);
  // The names in an ONNX file are those of its graph, which has no wrappers.
  return checkpoint.format === "onnx" ? checkpoint : unwrapNames(checkpoint);
}

async function openBy(readers: readonly Reader[], path: string): Promise<Checkpoint> {
  const source = await openSource(path);
  try {
    const head = await source.read(0, Math.min(source.size, headLength));
    const reader = readers.find(({ recognises }) => recognises(head));
    if (!reader) throw unknownFormat(path, head);
    return await reader.open(source);
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function openArchive(source: Source): Promise<Checkpoint> {
  const zip = await openZip(source);
  if (isTorchZip(zip)) return openTorchZip(zip);
  if (isNpz(zip)) return openNpz(zip);
  throw new UserError(
    `${source.path} is a zip archive with neither data.pkl nor .npy arrays. Give a .pt or .npz file.`,
  );
}

function unknownFormat(path: string, head: Uint8Array): UserError {
  if (head.length === 0) return new UserError(`${path} is empty. Copy the file again.`);
  const stranger = strangers.find(({ is }) => is(head));
  if (stranger) return new UserError(`${path} ${stranger.what}`);
  const start = quote(Buffer.from(head.subarray(0, 8)).toString("latin1"));
  const fault = `${path} begins with ${start}, which no checkpoint does that layerwise reads`;
  return new UserError(`${fault}. Give a .safetensors, .pt, .npz or .onnx file.`);
}

function startsWith(text: string): (head: Uint8Array) => boolean {
  return (head) => Buffer.from(head).toString("latin1").startsWith(text);
}
