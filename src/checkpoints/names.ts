// Names without what wrappers put into them: DataParallel saves every name with `module.` in front, torch.compile puts `_orig_mod.` before the names of the
// module that was compiled; FSDP, checkpointed activations, Lightning and Opacus (`_module.`) have theirs. Two checkpoints
// of one network then have the same names, however they were trained.
import type { Checkpoint } from "./checkpoint.ts";
import { selectTensors } from "./select.ts";

/** Whether a key or a component of a name is a moving average's. */
export const isAverageName = (name: string): boolean => /(^|[^a-z])ema([^a-z]|$)/i.test(name);

/** Components that only wrappers use, wherever they are in a name. */
const infixes =
  /(^|\.)(?:(?:_orig_mod|_fsdp_wrapped_module|_fpw_module|_checkpoint_wrapped_module|_forward_module|_module)\.)+/g;

/** A name without the components that only wrappers use. */
export const unwrapName = (name: string): string => name.replace(infixes, "$1");

/** What each of these names is without wrappers, in their order; the names themselves where two would become one. */
export function unwrappedNames(names: readonly string[]): string[] {
  const plain = names.map(unwrapName);
  // a network may have a part called module; in front of every name it is DataParallel's
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
