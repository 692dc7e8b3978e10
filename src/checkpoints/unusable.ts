// Weights that cannot be averaged: not finite, without elements, or in eight bits with a scale. DeepSpeed's ZeRO-3 and
// FSDP save sharded weights with shape [0] unless they are gathered first. Early versions of DeepSpeed (2021) save them
// with shape [1] and any value.
import { isFloating, listSome, sizeOf, UserError } from "../core/index.ts";
import type { Checkpoint, TensorInfo } from "./checkpoint.ts";

/** Error message for tensors among `names` that have no elements; undefined if there are none. */
export function describeEmptyTensors(
  { path, tensors }: Pick<Checkpoint, "path" | "tensors">,
  names: Iterable<string>,
): string | undefined {
  const empty = [...names].filter((name) => sizeOf(tensors.get(name)!.shape) === 0);
  if (empty.length === 0) return undefined;
  const fault =
    empty.length === tensors.size
      ? `All tensors in ${path} are empty`
      : `${path} has no elements for ${listSome(empty, 3)}`;
  return `${fault}, ${gather}`;
}

const gather =
  "because the weights were sharded when the file was saved. Gather them, then save the state dict again (DeepSpeed: zero_to_fp32.py; FSDP: StateDictType.FULL_STATE_DICT).";

/** Error message for placeholders of shape [1] in place of weights; undefined if there are none. */
export function describePlaceholders({ path, tensors }: Pick<Checkpoint, "path" | "tensors">): string | undefined {
  const names = placeholdersIn(tensors);
  return names.length
    ? `${path} has only one element each for ${listSome(names, 3)}, placeholders without the weights, ${gather}`
    : undefined;
}

/**
 * Names of weights that are placeholders of shape [1]: all float tensors have that shape, or their modules have larger
 * biases, which ZeRO-3 leaves whole.
 */
export function placeholdersIn(tensors: ReadonlyMap<string, Pick<TensorInfo, "dtype" | "shape">>): string[] {
  const isOne = (shape: readonly number[] | undefined) => String(shape) === "1";
  const floats = [...tensors].filter(([, { dtype }]) => isFloating(dtype));
  const ones = floats.flatMap(([name, { shape }]) => (isOne(shape) ? [name] : []));
  const weights = ones.filter((name) => /(^|[./])weight$/.test(name));
  if (weights.length === 0) return [];
  if (ones.length > 1 && ones.length === floats.length) return ones;
  const hasLargeBias = (name: string) => sizeOf(tensors.get(name.replace(/weight$/, "bias"))?.shape ?? []) > 1;
  return weights.filter(hasLargeBias);
}

/** The error for NaN or infinite weights; `areKept` if a merge would copy them unchanged. */
export const notFinite = (path: string, names: readonly string[], { areKept = false } = {}): UserError => {
  const advice = areKept ? "The merged file would keep them. Swap the two files" : "Choose an earlier checkpoint";
  return new UserError(
    `${path} contains NaN or infinite weights in ${listSome(names)}. ${advice}, or allow such weights with --allow-nonfinite.`,
  );
};

/**
 * The scale of a weight in eight bits, by name: `weight_scale` of diffusers and compressed-tensors, `weight_scale_inv`
 * of DeepSeek (a factor too, in spite of its name), `scale_weight` of ComfyUI, `SCB` of bitsandbytes.
 */
export function findScale(weight: string, has: (name: string) => boolean): string | undefined {
  const leaf = /[^./]*$/.exec(weight)![0];
  const module = weight.slice(0, weight.length - leaf.length);
  const ofModule = ["scale", "scales", "SCB"].flatMap((name) => [module + name, `${weight}.${name}`]);
  return [`${weight}_scale`, `${weight}_scale_inv`, `${module}scale_${leaf}`, `${weight}._scale`, ...ofModule].find(
    has,
  );
}

/** Advice for weights of eight bits, which mean something only together with their scale, if there is one. */
export const adviceForEightBits = (scale: string | undefined, dtypes: string): string =>
  scale === undefined
    ? `Convert the checkpoint to ${dtypes} first.`
    : `Convert the checkpoint to ${dtypes} first: multiply each weight by its scale (here ${JSON.stringify(scale)}), then remove the scale.`;
