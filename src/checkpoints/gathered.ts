// Weights without elements: what a program keeps in parts (DeepSpeed's ZeRO-3, FSDP) is saved as [0] where it was not gathered first.
import { listSome, sizeOf } from "../core/index.ts";
import type { Checkpoint } from "./checkpoint.ts";

/** The sentence for tensors among `names` that have no elements; undefined where all have some. */
export function faultOfEmpty(
  { path, tensors }: Pick<Checkpoint, "path" | "tensors">,
  names: Iterable<string>,
): string | undefined {
  const empty = [...names].filter((name) => sizeOf(tensors.get(name)!.shape) === 0);
  if (empty.length === 0) return undefined;
  const fault =
    empty.length === tensors.size
      ? `All tensors in ${path} are empty`
      : `${path} holds no elements of ${listSome(empty, 3)}`;
  return `${fault}: the weights are elsewhere. Gather them, and save the state dict again (DeepSpeed: zero_to_fp32.py; FSDP: StateDictType.FULL_STATE_DICT).`;
}
