// Files and folders that people give by mistake: each format by name, and what to do with it.
import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { UserError } from "../core/index.ts";
import type { Zip } from "./archive/zip.ts";
import { isNpy } from "./npz/npy.ts";
import { quote, type Source } from "./source.ts";

const tensorFlow =
  "is part of a TensorFlow checkpoint. In Python, read it with tf.train.load_checkpoint, and save the arrays with numpy.savez.";
const distributed = (folder: string) =>
  `In Python, run torch.distributed.checkpoint.format_utils.dcp_to_torch_save(${quote(folder)}, "weights.pt").`;
const orbax =
  "In Python, restore it with orbax.checkpoint, and save the arrays with numpy.savez or safetensors.flax.save_file.";
const flax =
  "In Python, restore it with flax.serialization.msgpack_restore, and save it with safetensors.flax.save_file or numpy.savez.";

/** The first bytes of a manifest, a node of keys and a node of versions in OCDBT, which is how TensorStore keeps Orbax's arrays. */
const ocdbt = ["\x0c\xdb\x3a\x2a", "\x0c\xdb\x20\xde", "\x0c\xdb\x12\x34"];

interface Stranger {
  readonly is: (head: Uint8Array, path: string) => boolean;
  readonly what: string;
}

/** By the first bytes; by the name where a format has no mark of its own. */
const strangers: readonly Stranger[] = [
  { is: begins("version https://git-lfs"), what: "is a Git LFS pointer, not the file itself. Run git lfs pull." },
  { is: begins("<"), what: "is a web page, not a checkpoint. Download the file itself." },
  { is: isNpy, what: "is a single .npy array. Save the arrays by name with numpy.savez." },
  { is: begins("\x89HDF"), what: "is an HDF5 file. Save the weights as .npz or .safetensors." },
  { is: begins("GGUF"), what: "is a GGUF file. Give the checkpoint it was made from." },
  { is: begins("\x1f\x8b"), what: "is packed by gzip. Unpack it first." },
  {
    is: begins("TFL3", 4),
    what: "is a TensorFlow Lite model. Give the checkpoint it was made from, as .npz or .onnx.",
  },
  { is: (_, path) => /\.data-\d+-of-\d+$|\.ckpt\.(index|meta)$/.test(path), what: tensorFlow },
  { is: (head) => ocdbt.some((mark) => begins(mark)(head, "")), what: `is part of an Orbax checkpoint. ${orbax}` },
  { is: isMessagePack, what: `is a msgpack file, as flax saves weights. ${flax}` },
];

/** The error for a file of no format that is read. */
export async function unknownFormat(source: Source, head: Uint8Array): Promise<UserError> {
  const { path, size } = source;
  if (head.length === 0) return new UserError(`${path} is empty. Copy the file again.`);
  const stranger = strangers.find(({ is }) => is(head, path));
  if (stranger) return new UserError(`${path} ${stranger.what}`);
  // a table of TensorFlow ends with a mark
  if (size >= 8 && Buffer.from(await source.read(size - 8, 8)).toString("hex") === "57fb808b247547db")
    return new UserError(`${path} ${tensorFlow}`);
  if (size >= 262 && Buffer.from(await source.read(257, 5)).toString("latin1") === "ustar")
    return new UserError(
      `${path} is a tar archive. Unpack it, and give the checkpoint in it (model_weights.ckpt of NeMo).`,
    );
  const start = quote(Buffer.from(head.subarray(0, 8)).toString("latin1"));
  const fault = `${path} begins with ${start}, which no checkpoint does that layerwise reads`;
  return new UserError(`${fault}. Give a .safetensors, .pt, .npz or .onnx file.`);
}

/** The error for a zip archive that is neither a .pt nor an .npz. */
export function unknownArchive({ source: { path }, entries }: Zip): UserError {
  const has = (pattern: RegExp) => [...entries.keys()].some((name) => pattern.test(name));
  if (has(/^model\.weights\.h5$/) || (has(/^config\.json$/) && has(/^metadata\.json$/)))
    return new UserError(
      `${path} is a Keras archive. In Python, load it with keras.models.load_model, and save each array of weights by its name with numpy.savez.`,
    );
  if (has(/^(?:[^/]+\/)?archive_format$|^(?:[^/]+\/)?serialized_exported_program\.json$/))
    return new UserError(
      `${path} is a program of torch.export. In Python, torch.save(torch.export.load(${quote(path)}).state_dict, "weights.pt").`,
    );
  if (has(/^MAR-INF\//))
    return new UserError(`${path} is a TorchServe archive. Unpack it, and give the checkpoint in it.`);
  return new UserError(`${path} is a zip archive with neither data.pkl nor .npy arrays. Give a .pt or .npz file.`);
}

const savedModel = (path: string) =>
  new UserError(
    `${path} is a TensorFlow SavedModel. Convert it with tf2onnx (python -m tf2onnx.convert --saved-model), and give the .onnx file.`,
  );

/** Throws {@link UserError} for files that only their names tell from others: a shard of a distributed checkpoint is a zip archive, TensorFlow's graph a protobuf. */
export function refuseByName(path: string): void {
  if (basename(path) === "saved_model.pb") throw savedModel(path);
  if (path.endsWith(".distcp"))
    throw new UserError(`${path} is one shard of a distributed checkpoint (DCP). ${distributed(folderOf(path))}`);
}

/** Folders of other formats, by the files in them; undefined for others. */
export function unknownFolder(path: string, names: readonly string[]): UserError | undefined {
  const has = (pattern: RegExp) => names.some((name) => pattern.test(name));
  if (has(/\.distcp$/) || names.includes(".metadata"))
    return new UserError(`${path} is a distributed checkpoint (DCP). ${distributed(path)}`);
  if (has(/^(_CHECKPOINT_METADATA|_METADATA|manifest\.ocdbt|ocdbt\.process_\d+)$/))
    return new UserError(`${path} is an Orbax checkpoint. ${orbax}`);
  if (has(/^saved_model\.pb$/)) return savedModel(path);
  if (has(/\.index$/) && has(/\.data-\d+-of-\d+$/))
    return new UserError(
      `${path} holds a TensorFlow checkpoint. In Python, read it with tf.train.load_checkpoint, and save the arrays with numpy.savez.`,
    );
  return undefined;
}

/** Folders looked into, of those in one folder. */
const mostFolders = 64;

/** The error for a folder of another format, or that has one in it: a step of Orbax's, the shards that Accelerate saves. Optimisers come last. */
export function strangerIn(path: string, depth = 2): UserError | undefined {
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
    const stranger = strangerIn(join(path, name), depth - 1);
    if (stranger) return stranger;
  }
  return undefined;
}

function entriesOf(path: string) {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch {
    return []; // what cannot be read is not it
  }
}

const folderOf = (path: string) => path.slice(0, -basename(path).length) || ".";

function begins(text: string, at = 0): Stranger["is"] {
  return (head) => Buffer.from(head).toString("latin1").startsWith(text, at);
}

/** A map whose first key is a text. */
function isMessagePack(head: Uint8Array): boolean {
  const key = head[0] === 0xde ? 3 : head[0] === 0xdf ? 5 : head[0] > 0x80 && head[0] < 0x90 ? 1 : 0;
  if (key === 0) return false;
  const length = head[key] === 0xd9 ? head[key + 1] : head[key] & 0x1f;
  const begin = head[key] === 0xd9 ? key + 2 : key + 1;
  if (head[key] !== 0xd9 && head[key] >> 5 !== 5) return false;
  const text = head.subarray(begin, begin + length);
  return text.length > 0 && text.every((byte) => byte >= 0x20 && byte < 0x7f);
}
