// Removes wrappers from names: DataParallel prefixes every name with `module.`, torch.compile inserts `_orig_mod.`
// before the names of the compiled module; FSDP, activation checkpointing, Lightning and Opacus (`_module.`) have their
// own. Two checkpoints of one network then have the same names, however they were trained.
import type { Checkpoint } from "./checkpoint.ts";
import { selectTensors } from "./select.ts";

/** Whether a key or name component marks a moving average. */
export const isAverageName = (name: string): boolean => /(^|[^a-z])ema([^a-z]|$)/i.test(name);

/** Components that only wrappers use, anywhere in a name. */
const infixes =
  /(^|\.)(?:(?:_orig_mod|_fsdp_wrapped_module|_fpw_module|_checkpoint_wrapped_module|_forward_module|_module)\.)+/g;

/** A name without the components that only wrappers use. */
export const unwrapName = (name: string): string => name.replace(infixes, "$1");

/** The names without wrappers, in the same order; unchanged if two would become equal. */
export function unwrappedNames(names: readonly string[]): string[] {
  const plain = names.map(unwrapName);
  // a network may have a part called module; as a prefix of every name it is DataParallel's
  const isParallel = plain.length > 0 && plain.every((name) => name.length > 7 && name.startsWith("module."));
  const bare = isParallel ? plain.map((name) => name.slice(7)) : plain;
  return [bare, plain].find((some) => new Set(some).size === names.length) ?? [...names];
}

/** The same checkpoint under names without wrappers. */
export function unwrapNames(checkpoint: Checkpoint): Checkpoint {
  const own = [...checkpoint.tensors.keys()];
  const bare = unwrappedNames(own);
  if (bare.every((name, i) => name === own[i])) return checkpoint;
  return selectTensors(checkpoint, new Map(bare.map((name, i) => [name, own[i]])));
}
