// Finds the checkpoint in a folder, such as one that from_pretrained takes, if it is unambiguous.
import { readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
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

/** Files that Trainer, Accelerate and DeepSpeed save with the weights to resume training. */
const trainingState =
  /^((optimi[sz]ers?|optim|(lr_?)?schedulers?|(grad_?)?scaler|(rng|random)_states?|training_(args|states?)|trainer_state|sampler|dl_state_dict|custom_checkpoint)([._-].*)?|.*_optim_states)\.\w+$/;

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
  const stranger = findUnsupported(path, 0);
  if (stranger) throw stranger;
  const files = names.filter(mayBeCheckpoint);
  if (files.length === 1) return join(path, files[0]);
  if (files.length) throw severalCheckpoints(path, files);
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

const severalCheckpoints = (path: string, files: readonly string[]): UserError =>
  new UserError(`${path} is a folder with several checkpoints. Give one of them: ${listSome(files)}.`);

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
