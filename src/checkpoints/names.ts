// Names without what wrappers put in front of them: DataParallel saves every name with `module.`, torch.compile with
// `_orig_mod.`, both with both. Two checkpoints of one network then have the same names, however they were trained.
import type { Checkpoint, TensorInfo } from "./checkpoint.ts";

const wrappers = ["module.", "_orig_mod."];

/** The prefix that wrappers gave to every one of these names; "" when one name has it not, or is nothing but the prefix. */
export function wrapperPrefix(names: readonly string[]): string {
  let prefix = "";
  for (let turn = 0; turn < wrappers.length; turn++) {
    const more = wrappers.find((w) => !prefix.includes(w) && names.every((n) => isLonger(n, prefix + w)));
    if (more) prefix += more;
  }
  return names.length > 0 ? prefix : "";
}

function isLonger(name: string, prefix: string): boolean {
  return name.length > prefix.length && name.startsWith(prefix);
}

/** The same checkpoint under names without their common wrapper prefix, which `prefix` remembers. */
export function unwrapNames(checkpoint: Checkpoint): Checkpoint {
  const prefix = wrapperPrefix([...checkpoint.tensors.keys()]);
  if (prefix === "") return checkpoint;
  const tensors = new Map<string, TensorInfo>();
  for (const info of checkpoint.tensors.values()) {
    const name = info.name.slice(prefix.length);
    tensors.set(name, { ...info, name });
  }
  const { range, rewrite, tied } = checkpoint;
  return {
    ...checkpoint,
    tensors,
    prefix,
    tied: tied?.map((names) => names.map((name) => name.slice(prefix.length))),
    read: (name) => checkpoint.read(prefix + name),
    range: range && ((name) => range(prefix + name)),
    rewrite:
      rewrite &&
      ((output, names, replace) =>
        rewrite(output, new Set([...names].map((name) => prefix + name)), (name) =>
          replace(name.slice(prefix.length)),
        )),
  };
}
