// Weights without elements: DeepSpeed's ZeRO-3 and FSDP save sharded weights with shape [0] unless they are gathered
// first.
import { listSome, sizeOf } from "../core/index.ts";
import type { Checkpoint } from "./checkpoint.ts";

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
  return `${fault}, because the weights were sharded when the file was saved. Gather them, then save the state dict again (DeepSpeed: zero_to_fp32.py; FSDP: StateDictType.FULL_STATE_DICT).`;
}
