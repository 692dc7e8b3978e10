// Files and folders in unsupported formats that users may give: the error names the format and what to do.
import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { UserError } from "../core/index.ts";
import type { Zip } from "./archive/zip.ts";
import { isNpy } from "./npz/npy.ts";
import { quote, type Source } from "./source.ts";

const tensorFlow =
  "is part of a TensorFlow checkpoint. In Python, read it with tf.train.load_checkpoint, then save the arrays with numpy.savez.";
const distributed = (folder: string) =>
  `In Python, run torch.distributed.checkpoint.format_utils.dcp_to_torch_save(${quote(folder)}, "weights.pt").`;
const orbax =
  "In Python, restore it with orbax.checkpoint, then save the arrays with numpy.savez or safetensors.flax.save_file.";
const flax =
  "In Python, restore it with flax.serialization.msgpack_restore, then save it with safetensors.flax.save_file or numpy.savez.";

/**
 * First bytes of OCDBT files (a manifest, a B-tree node and a version node), in which TensorStore stores Orbax's
 * arrays.
 */
const ocdbt = ["\x0c\xdb\x3a\x2a", "\x0c\xdb\x20\xde", "\x0c\xdb\x12\x34"];

interface Unsupported {
  readonly is: (head: Uint8Array, path: string) => boolean;
  readonly what: string;
}

/** Recognised by the first bytes, or by name if a format has no magic bytes. */
const unsupported: readonly Unsupported[] = [
  { is: begins("version https://git-lfs"), what: "is a Git LFS pointer, not the file itself. Run git lfs pull." },
  { is: begins("<"), what: "is a web page, not a checkpoint. Download the file itself." },
  { is: isNpy, what: "is a single .npy array. Save named arrays with numpy.savez." },
  { is: begins("\x89HDF"), what: "is an HDF5 file. Save the weights as .npz or .safetensors." },
  { is: begins("GGUF"), what: "is a GGUF file. Give the checkpoint it was made from." },
  { is: begins("\x1f\x8b"), what: "is compressed with gzip. Decompress it first." },
  {
    is: isZlib,
    what: "is compressed with zlib, as joblib.dump does. In Python, load it with joblib.load, then save its arrays by name with numpy.savez.",
  },
  {
    is: begins("TFL3", 4),
    what: "is a TensorFlow Lite model. Give the checkpoint it was made from, as .npz or .onnx.",
  },
  { is: begins("ORTM", 4), what: "is in ONNX Runtime's own format. Give the .onnx file it was made from." },
  { is: (_, path) => /\.data-\d+-of-\d+$|\.ckpt\.(index|meta)$/.test(path), what: tensorFlow },
  { is: (head) => ocdbt.some((mark) => begins(mark)(head, "")), what: `is part of an Orbax checkpoint. ${orbax}` },
  { is: isMessagePack, what: `is a msgpack file, as flax saves weights. ${flax}` },
];

/** The error for a file in a format that is not read. */
export async function unknownFormat(source: Source, head: Uint8Array): Promise<UserError> {
  const { path, size } = source;
  if (head.length === 0) return new UserError(`${path} is empty. Copy the file again.`);
  const format = unsupported.find(({ is }) => is(head, path));
  if (format) return new UserError(`${path} ${format.what}`);
  // a TensorFlow table ends with magic bytes
  if (size >= 8 && Buffer.from(await source.read(size - 8, 8)).toString("hex") === "57fb808b247547db")
    return new UserError(`${path} ${tensorFlow}`);
  if (size >= 262 && Buffer.from(await source.read(257, 5)).toString("latin1") === "ustar") {
    if (begins("sys_info\0")(head, path))
      return new UserError(
        `${path} was written by PyTorch before version 0.2, as a tar archive. In Python, load it with torch.load(path, weights_only=False), and save the state dict with torch.save.`,
      );
    return new UserError(
      `${path} is a tar archive. Unpack it, and give the checkpoint in it (for NeMo: model_weights.ckpt).`,
    );
  }
  const start = quote(Buffer.from(head.subarray(0, 8)).toString("latin1"));
  const fault = `${path} is not in a format that layerwise reads: it starts with ${start}`;
  return new UserError(`${fault}. Give a .safetensors, .pt, .npz or .onnx file.`);
}

/** The error for a zip archive that is neither a .pt nor an .npz. */
export function unknownArchive({ source: { path }, entries }: Zip): UserError {
  const has = (pattern: RegExp) => [...entries.keys()].some((name) => pattern.test(name));
  if (has(/^model\.weights\.h5$/) || (has(/^config\.json$/) && has(/^metadata\.json$/)))
    return new UserError(
      `${path} is a Keras archive. In Python, load it with keras.models.load_model, then save each weight array under its name with numpy.savez.`,
    );
  if (has(/^(?:[^/]+\/)?archive_format$|^(?:[^/]+\/)?serialized_exported_program\.json$/))
    return new UserError(
      `${path} is an exported program (torch.export). In Python, run torch.save(torch.export.load(${quote(path)}).state_dict, "weights.pt").`,
    );
  if (has(/^MAR-INF\//))
    return new UserError(`${path} is a TorchServe archive. Unpack it, and give the checkpoint in it.`);
  const inside = [...entries.values()]
    .filter(({ name }) => /\.(pth?|ckpt|bin|safetensors|npz|onnx)$/.test(name) && !/optim/.test(name))
    .sort((x, y) => y.size - x.size);
  if (inside.length) {
    const such = inside.length > 1 ? "such as " : "";
    return new UserError(
      `${path} is a zip archive of other files. Unpack it, and give the checkpoint in it: ${such}${quote(inside[0].name)}.`,
    );
  }
  return new UserError(`${path} is a zip archive without data.pkl or .npy arrays. Give a .pt or .npz file.`);
}

const savedModel = (path: string) =>
  new UserError(
    `${path} is a TensorFlow SavedModel. Convert it with tf2onnx (python -m tf2onnx.convert --saved-model), then give the .onnx file.`,
  );

/**
 * Throws {@link UserError} for files that are recognised only by name: a DCP shard is a zip archive, TensorFlow's graph
 * a protobuf.
 */
export function refuseByName(path: string): void {
  if (basename(path) === "saved_model.pb") throw savedModel(path);
  if (path.endsWith(".distcp"))
    throw new UserError(`${path} is one shard of a distributed checkpoint (DCP). ${distributed(folderOf(path))}`);
}

/** The error for a folder in an unsupported format, recognised by its files; else undefined. */
export function unknownFolder(path: string, names: readonly string[]): UserError | undefined {
  const has = (pattern: RegExp) => names.some((name) => pattern.test(name));
  if (has(/\.distcp$/) || names.includes(".metadata"))
    return new UserError(`${path} is a distributed checkpoint (DCP). ${distributed(path)}`);
  if (has(/^(_CHECKPOINT_METADATA|_METADATA|manifest\.ocdbt|ocdbt\.process_\d+)$/))
    return new UserError(`${path} is an Orbax checkpoint. ${orbax}`);
  if (has(/^saved_model\.pb$/)) return savedModel(path);
  if (has(/\.index$/) && has(/\.data-\d+-of-\d+$/))
    return new UserError(
      `${path} contains a TensorFlow checkpoint. In Python, read it with tf.train.load_checkpoint, then save the arrays with numpy.savez.`,
    );
  return undefined;
}

/** Largest number of subfolders searched in one folder. */
const mostFolders = 64;

/**
 * The error for a folder that is, or contains, an unsupported format: an Orbax step, Accelerate's shards. Optimisers
 * are searched last.
 */
export function findUnsupported(path: string, depth = 2): UserError | undefined {
  const entries = entriesOf(path);
  const own = unknownFolder(
    path,
    entries.map(({ name }) => name),
  );
  if (own || depth === 0) return own;
  const folders = entries.filter((one) => one.isDirectory()).map(({ name }) => name);
  const isOptimiser = (name: string) => Number(/^optim/.test(name));
  folders.sort((x, y) => isOptimiser(x) - isOptimiser(y) || (x < y ? -1 : 1));
  for (const name of folders.slice(0, mostFolders)) {
    const found = findUnsupported(join(path, name), depth - 1);
    if (found) return found;
  }
  return undefined;
}

function entriesOf(path: string) {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch {
    return []; // unreadable folders are skipped
  }
}

const folderOf = (path: string) => path.slice(0, -basename(path).length) || ".";

function begins(text: string, at = 0): Unsupported["is"] {
  return (head) => Buffer.from(head).toString("latin1").startsWith(text, at);
}

/** Whether the file begins as zlib's streams do: deflate with a window of 32 KiB, and a multiple of 31. */
function isZlib(head: Uint8Array): boolean {
  return head[0] === 0x78 && ((head[0] << 8) | head[1]) % 31 === 0 && (head[1] & 0x20) === 0;
}

/** Whether the file is a msgpack map whose first key is a string. */
function isMessagePack(head: Uint8Array): boolean {
  const key = head[0] === 0xde ? 3 : head[0] === 0xdf ? 5 : head[0] > 0x80 && head[0] < 0x90 ? 1 : 0;
  if (key === 0) return false;
  const length = head[key] === 0xd9 ? head[key + 1] : head[key] & 0x1f;
  const begin = head[key] === 0xd9 ? key + 2 : key + 1;
  if (head[key] !== 0xd9 && head[key] >> 5 !== 5) return false;
  const text = head.subarray(begin, begin + length);
  return text.length > 0 && text.every((byte) => byte >= 0x20 && byte < 0x7f);
}
