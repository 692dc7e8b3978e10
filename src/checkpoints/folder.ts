// Finds the checkpoint in a folder, such as one that from_pretrained takes, if it is unambiguous.
import { existsSync } from "node:fs";
import { open, readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { listSome, UserError } from "../core/index.ts";
import { findUnsupported } from "./unsupported.ts";

/** The weights of a Hugging Face folder, in the order in which transformers looks for them. */
export const weightFiles: readonly string[] = [
  "model.safetensors",
  "model.safetensors.index.json",
  "pytorch_model.bin",
  "pytorch_model.bin.index.json",
];
/** The weights of an adapter's folder, in PEFT's order. */
export const adapterFiles: readonly string[] = ["adapter_model.safetensors", "adapter_model.bin"];
const usual = [...weightFiles, ...adapterFiles];
const endings = /\.(safetensors|pt|pth|th|ckpt|bin|npz|onnx|pkl|pdparams)$/;

/**
 * Whether a file's name ends like one of the formats. Only the name is looked at.
 * @example
 * ```ts
 * import { isCheckpointName } from "layerwise/checkpoints";
 *
 * console.log(isCheckpointName("model.pt"), isCheckpointName("config.json")); // true false
 * ```
 */
export const isCheckpointName = (path: string): boolean => endings.test(path);

/** Files that Trainer, Accelerate, DeepSpeed, torchtune and SpeechBrain save with the weights to resume training. */
const trainingState =
  /^((optimi[sz]ers?|optim|([a-z]+_)?schedulers?|lrscheduler|dataloader|recipe_state|(grad_?)?scaler|(rng|random)_states?|training_(args|states?)|trainer_state|sampler|dl_state_dict|custom_checkpoint)([._-].*)?|.*_optim_states)\.\w+$/;

/** One of several files of a network, as Hugging Face's libraries and torchtune name them. */
const isShard = (name: string): boolean => /^(.+-\d{5}-of-\d{5}|hf_model_\d{4}_\d+)\.\w+$/.test(name);

/** One of several files that each hold a part of every matrix, as Meta names them. */
export const isModelParallel = (name: string): boolean => /^consolidated\.\d{2}\.\w+$/.test(name);

/** Whether a file in a folder may be its checkpoint. */
const mayBeCheckpoint = (name: string): boolean => isCheckpointName(name) && !trainingState.test(name);

/** The checkpoint at a path, which may be a folder. Throws {@link UserError} if the folder contains none or several. */
export async function findCheckpoint(path: string): Promise<string> {
  const isFolder = await stat(path).then(
    (info) => info.isDirectory(),
    () => false, // reported when it is opened
  );
  if (!isFolder) return path;
  const names = (await readdir(path)).sort();
  const known = usual.find((name) => names.includes(name));
  if (known) {
    const numbered = names.filter((name) => name !== known && name.replace(/_\d+(?=\.)/, "") === known);
    // Accelerate numbers the files of several networks
    if (numbered.length) throw severalCheckpoints(path, [known, ...numbered]);
    return join(path, known);
  }
  const stranger = findUnsupported(path, 0) ?? unpackedIn(path);
  if (stranger) throw stranger;
  const files = names.filter(mayBeCheckpoint);
  if (files.length === 1) return join(path, files[0]);
  const indices = names.filter((name) => name.endsWith(".index.json"));
  if (indices.length === 1 && files.length && files.every(isShard)) return join(path, indices[0]);
  if (files.length) throw severalCheckpoints(path, await textLast(path, files));
  const parts = await partsOfFolder(path);
  const inFolder = parts.length ? undefined : findUnsupported(path);
  if (inFolder) throw inFolder;
  const states = names.filter(isCheckpointName);
  const others = states.length ? `; it contains only training state (${listSome(states, 3)})` : "";
  const advice = parts.length
    ? adviceOfParts(parts)
    : "Give the path of a checkpoint file, or of a Hugging Face folder.";
  throw new UserError(`${path} is a folder without a checkpoint${others}. ${advice}`);
}

/** The error for a folder with the unpacked content of a file that torch.save wrote; undefined for others. */
export function unpackedIn(path: string): UserError | undefined {
  const folder = [path, join(path, "archive")].find((one) =>
    ["data.pkl", "data"].every((name) => existsSync(join(one, name))),
  );
  return folder === undefined
    ? undefined
    : new UserError(
        `${folder} is the unpacked content of a file that torch.save wrote. Zip it again (cd ${dirname(folder)}; zip -0 -r weights.pt ${basename(folder)}), and give weights.pt.`,
      );
}

function severalCheckpoints(path: string, files: readonly string[]): UserError {
  if (files.filter(isShard).length > 1) return shardsWithoutIndex(path, files);
  const parts = files.filter(isModelParallel);
  if (parts.length > 1)
    return new UserError(
      `${path} contains ${listSome(parts, 3)}, each with a part of every matrix (model parallelism). Convert them to a Hugging Face folder, for Llama with transformers' convert_llama_weights_to_hf.py.`,
    );
  return new UserError(`${path} is a folder with several checkpoints. Give one of them: ${listSome(files)}.`);
}

const shardsWithoutIndex = (path: string, files: readonly string[]): UserError =>
  new UserError(
    `${path} contains shards (${listSome(files.filter(isShard), 3)}) without an index. In Python, load all of them into one dictionary, and save it as model.safetensors with safetensors.torch.save_file.`,
  );

/** The error for a Hugging Face folder without weights under a name that transformers reads. */
export function withoutWeights(path: string, names: readonly string[]): UserError {
  const files = names.filter(mayBeCheckpoint).sort();
  if (files.filter(isShard).length > 1) return shardsWithoutIndex(path, files);
  if (files.length)
    return new UserError(
      `${path} contains ${listSome(files, 3)}, but none of ${weightFiles.join(", ")}. Give the file with the weights, or rename it.`,
    );
  return new UserError(`${path} has no weights. Give a folder with one of ${weightFiles.join(", ")}.`);
}

/** Files in their order, but those that begin with text last: counters, and settings in YAML. */
async function textLast(path: string, files: readonly string[]): Promise<string[]> {
  const text: string[] = [];
  for (const name of files) if (await beginsWithText(join(path, name))) text.push(name);
  return [...files.filter((name) => !text.includes(name)), ...text];
}

async function beginsWithText(path: string): Promise<boolean> {
  const file = await open(path).catch(() => undefined); // reported when it is opened
  if (!file) return false;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(64), 0, 64, 0);
    return buffer.subarray(0, bytesRead).every((byte) => (byte >= 0x20 && byte < 0x7f) || (byte >= 9 && byte <= 13));
  } catch {
    return false; // a folder
  } finally {
    await file.close();
  }
}

/**
 * The subfolders that contain checkpoints: a diffusers pipeline has a network in each, sentence-transformers in one.
 */
export async function partsOfFolder(path: string): Promise<string[]> {
  const parts: string[] = [];
  for (const one of await readdir(path, { withFileTypes: true }))
    if (one.isDirectory() && (await readdir(join(path, one.name)).catch(() => [])).some(mayBeCheckpoint))
      parts.push(join(path, one.name));
  return parts.sort();
}

/** Advice for a folder whose checkpoints are in subfolders. */
export const adviceOfParts = (parts: readonly string[]): string =>
  parts.length > 1
    ? `Its subfolders contain checkpoints. Give one of them: ${listSome(parts, 8)}.`
    : `Its subfolder contains one. Give ${parts[0]}.`;

/** Advice for a JSON file that is not an index: the checkpoint in the same folder. */
export async function besideJson(path: string): Promise<string> {
  const folder = dirname(path);
  const beside = await findCheckpoint(folder).catch(() => undefined);
  return beside && beside !== path ? `Give ${beside}.` : "Give a checkpoint, or its *.safetensors.index.json.";
}
