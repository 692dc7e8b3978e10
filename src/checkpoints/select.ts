// A checkpoint under other names, or without some of its tensors.
import { type Checkpoint, find, type TensorInfo } from "./checkpoint.ts";

export function selectTensors(checkpoint: Checkpoint, names: ReadonlyMap<string, string>): Checkpoint {
  const nameOf = (name: string) => find(checkpoint.path, names, name);
  const tensors = new Map<string, TensorInfo>();
  for (const [name, own] of names) tensors.set(name, { ...checkpoint.tensors.get(own)!, name });
  const { range, rewrite: _, ...rest } = checkpoint;
  return {
    ...rest,
    tensors,
    tied: undefined,
    read: async (name) => checkpoint.read(nameOf(name)),
    range: range && ((name) => range(nameOf(name))),
  };
}
