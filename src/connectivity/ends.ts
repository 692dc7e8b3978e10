// The two ends of a measurement: both checkpoints read and held against each other and against the network before anything is computed.
import { type Checkpoint, openCheckpoint, readAll } from "../checkpoints/index.ts";
import {
  bytesOf,
  isFloating,
  listSome,
  sha256Files,
  sizeOf,
  type Tensor,
  toNumbers,
  UserError,
} from "../core/index.ts";
import type { Model } from "../models/index.ts";

export interface End {
  readonly path: string;
  /** Of all the files that it lies in. */
  readonly sha256: string;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/** Opens checkpoints, hands them over and closes them again. */
export async function withCheckpoints<T>(
  paths: readonly string[],
  use: (...files: Checkpoint[]) => Promise<T>,
): Promise<T> {
  const files: Checkpoint[] = [];
  try {
    for (const path of paths) files.push(await openCheckpoint(path));
    return await use(...files);
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
}

/** Reads all of a checkpoint. Throws {@link UserError} when a weight is NaN or infinite, unless told to go on. */
export async function readEnd(file: Checkpoint, allowNonfinite = false): Promise<End> {
  const tensors = await readAll(file);
  if (!allowNonfinite) requireFinite(file.path, tensors);
  return { path: file.path, sha256: await sha256Files(file.files), tensors };
}

const describe = ({ path }: Checkpoint, names: string[]) =>
  names.length ? ` Only in ${path}: ${listSome(names)}.` : "";

/** Groups of names that one of two checkpoints stores as one tensor. */
export const tiedIn = (a: Checkpoint, b: Checkpoint): Model["tied"] => [...(a.tied ?? []), ...(b.tied ?? [])];

/**
 * Throws {@link UserError} when the names or shapes in two checkpoints differ. A name that only one of them has is passed over where it is tied to one that
 * both have: Hugging Face's .bin files hold tied tensors under every name, its .safetensors files under one.
 */
export function compareKeys(a: Checkpoint, b: Checkpoint, tied = tiedIn(a, b)): void {
  const isInBoth = (name: string) => a.tensors.has(name) && b.tensors.has(name);
  const isTied = (name: string) => tied.some((names) => names.includes(name) && names.some(isInBoth));
  const [onlyA, onlyB] = [a, b].map(({ tensors }) =>
    [...tensors.keys()].filter((name) => !isInBoth(name) && !isTied(name)),
  );
  if (onlyA.length || onlyB.length) {
    throw new UserError(
      `The two checkpoints are of different networks.${describe(a, onlyA)}${describe(b, onlyB)} Give two checkpoints of one architecture.`,
    );
  }
  const unlike = [...a.tensors.values()].filter(
    ({ name, shape }) => isInBoth(name) && String(shape) !== String(b.tensors.get(name)!.shape),
  );
  if (unlike.length) {
    const some = unlike.map(({ name, shape }) => `${name} is [${shape}] and [${b.tensors.get(name)!.shape}]`);
    throw new UserError(
      `The shapes in ${a.path} and ${b.path} differ: ${listSome(some, 3)}. Give two checkpoints of one architecture.`,
    );
  }
}

/** Throws {@link UserError} when a checkpoint is not of the network. A tied tensor may be there under one of its names only. */
export function compareWithModel({ path, tensors }: Checkpoint, model: Model): void {
  const wanted = new Map(model.parameters.map((p) => [p.name, p]));
  const isThere = (name: string) =>
    tensors.has(name) || model.tied.some((names) => names.includes(name) && names.some((one) => tensors.has(one)));
  const missing = [...wanted.values()].filter((p) => p.kind !== "counter" && !isThere(p.name)).map((p) => p.name);
  const extra = [...tensors.keys()].filter((name) => !wanted.has(name));
  if (missing.length || extra.length) {
    const parts = [
      missing.length ? `the file lacks ${listSome(missing)}` : "",
      extra.length ? `the model does not know ${listSome(extra)}` : "",
    ];
    throw new UserError(
      `${path} does not fit model ${model.name}: ${parts.filter(Boolean).join("; ")}. Choose another --model.`,
    );
  }
  const unlike = [...wanted.values()].filter(
    (p) => tensors.has(p.name) && String(tensors.get(p.name)!.shape) !== String(p.shape),
  );
  if (unlike.length) {
    const some = unlike.map((p) => `${p.name} is [${tensors.get(p.name)!.shape}], the model has [${p.shape}]`);
    throw new UserError(
      `${path} does not fit model ${model.name}: ${listSome(some, 3)}. Give other sizes, or another --model.`,
    );
  }
}

/** Gives an end its tied tensors under the names that it lacks. */
export function fillTied(end: End, tied: Model["tied"]): End {
  const tensors = new Map(end.tensors);
  for (const names of tied) {
    const there = end.tensors.get(names.find((name) => end.tensors.has(name))!);
    for (const name of names) if (there && !tensors.has(name)) tensors.set(name, there);
  }
  return { ...end, tensors };
}

/** Gives tied names the one tensor of the last of them that the file has; `notes` hears of copies that differ. */
export function shareTied(end: End, tied: Model["tied"], notes: string[]): End {
  const tensors = new Map(end.tensors);
  for (const names of tied) {
    const there = names.filter((name) => end.tensors.has(name));
    const last = end.tensors.get(there.at(-1)!)!;
    const unlike = there.filter((name) => !isSame(end.tensors.get(name)!, last));
    if (unlike.length)
      notes.push(
        `In ${end.path} ${unlike.join(", ")} should be one tensor with ${there.at(-1)} but differs; the latter is used.`,
      );
    for (const name of names) tensors.set(name, last);
  }
  return { ...end, tensors };
}

/** Equal vectors may be so by chance: zero biases, the ones of a fresh normalisation. */
export const mayBeTied = ({ dtype, shape }: Pick<Tensor, "dtype" | "shape">): boolean =>
  isFloating(dtype) && shape.length >= 2 && sizeOf(shape) >= 16;

/** Groups of matrices that are one tensor under several names in both ends, told by their elements. */
export function findTied(a: End, b: End): string[][] {
  const groups = new Map<string, string[]>();
  for (const [name, tensor] of a.tensors) {
    const { dtype, shape } = tensor;
    if (!mayBeTied(tensor) || isConstant(tensor)) continue;
    const key = `${dtype} ${shape} ${Buffer.from(bytesOf(tensor).subarray(0, 64)).toString("hex")}`;
    groups.set(key, [...(groups.get(key) ?? []), name]);
  }
  return [...groups.values()].filter(
    ([first, ...rest]) =>
      rest.length > 0 &&
      rest.every((name) => [a, b].every((end) => isSame(end.tensors.get(first)!, end.tensors.get(name)!))),
  );
}

/** The same elements, to the last bit. */
export const isSame = (x: Tensor, y: Tensor): boolean => Buffer.compare(bytesOf(x), bytesOf(y)) === 0;

function isConstant(tensor: Tensor): boolean {
  const values = toNumbers(tensor);
  return values.every((x) => x === values[0]);
}

/** Throws {@link UserError} when a weight is NaN or infinite. */
export function requireFinite(path: string, tensors: ReadonlyMap<string, Tensor>): void {
  const broken = [...tensors]
    .filter(([, t]) => isFloating(t.dtype) && !toNumbers(t).every(Number.isFinite))
    .map(([name]) => name);
  if (broken.length) {
    throw new UserError(
      `${path} holds NaN or infinite weights in ${listSome(broken)}. Choose an earlier checkpoint, or go on with --allow-nonfinite.`,
    );
  }
}
