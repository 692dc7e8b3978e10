// A folder in place of a file: what from_pretrained takes. The checkpoint in it is opened, where it is certain which one that is.
import { readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { listSome, UserError } from "../core/index.ts";
import { strangerIn } from "./strangers.ts";

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

/** What Trainer, Accelerate and DeepSpeed save beside the weights, to go on with training. */
const trainingState =
  /^((optimi[sz]ers?|optim|(lr_?)?schedulers?|(grad_?)?scaler|(rng|random)_states?|training_(args|states?)|trainer_state|sampler|dl_state_dict|custom_checkpoint)([._-].*)?|.*_optim_states)\.\w+$/;

/** Whether a file in a folder may be its checkpoint. */
const mayBeCheckpoint = (name: string): boolean => isCheckpointName(name) && !trainingState.test(name);

/** The checkpoint at a path, which may be the folder that it is in. Throws {@link UserError} where a folder has none, or several. */
export async function findCheckpoint(path: string): Promise<string> {
  const isFolder = await stat(path).then(
    (info) => info.isDirectory(),
    () => false, // said when it is opened
  );
  if (!isFolder) return path;
  const names = (await readdir(path)).sort();
  const known = usual.find((name) => names.includes(name));
  if (known) {
    const numbered = names.filter((name) => name !== known && name.replace(/_\d+(?=\.)/, "") === known);
    if (numbered.length) throw severalCheckpoints(path, [known, ...numbered]); // Accelerate's, of several networks
    return join(path, known);
  }
  const stranger = strangerIn(path, 0);
  if (stranger) throw stranger;
  const files = names.filter(mayBeCheckpoint);
  if (files.length === 1) return join(path, files[0]);
  if (files.length) throw severalCheckpoints(path, files);
  const parts = await partsOfFolder(path);
  const inFolder = parts.length ? undefined : strangerIn(path);
  if (inFolder) throw inFolder;
  const states = names.filter(isCheckpointName);
  const others = states.length ? `, only states of training (${listSome(states, 3)})` : "";
  const advice = parts.length ? adviceOfParts(parts) : "Give the path of a file.";
  throw new UserError(`${path} is a folder without a checkpoint${others}. ${advice}`);
}

const severalCheckpoints = (path: string, files: readonly string[]): UserError =>
  new UserError(`${path} is a folder with several checkpoints. Give one of them: ${listSome(files)}.`);

/** The folders in a folder that have checkpoints: a pipeline of diffusers keeps a network in each, sentence-transformers its transformer in one. */
export async function partsOfFolder(path: string): Promise<string[]> {
  const parts: string[] = [];
  for (const one of await readdir(path, { withFileTypes: true }))
    if (one.isDirectory() && (await readdir(join(path, one.name)).catch(() => [])).some(mayBeCheckpoint))
      parts.push(join(path, one.name));
  return parts.sort();
}

/** What to do about a folder whose checkpoints are in folders of it. */
export const adviceOfParts = (parts: readonly string[]): string =>
  parts.length > 1
    ? `There are some in its folders: give one of ${listSome(parts, 8)}.`
    : `There is one in its folder: give ${parts[0]}.`;

/** What to give in place of a JSON file that is not an index: the checkpoint beside it. */
export async function besideJson(path: string): Promise<string> {
  const folder = dirname(path);
  const beside = await findCheckpoint(folder).catch(() => undefined);
  return beside && beside !== path ? `Give ${beside}.` : "Give a checkpoint, or its *.safetensors.index.json.";
}
