// Whether two checkpoints have the same tensors: names and shapes, before anything is read.
import type { Checkpoint } from "../checkpoints/index.ts";
import { listSome, UserError } from "../core/index.ts";
import type { Model } from "../models/index.ts";

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
