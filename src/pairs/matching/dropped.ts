// Parameters that an exporter dropped because they had no effect: a bias of zeros, a scale of ones. A graph that was
// exported from a new network then ignores the trained ones of the checkpoints.
import { type Tensor, toNumbers } from "../../core/index.ts";
import { moduleOf } from "../../models/index.ts";
import type { StateDict } from "./candidates.ts";
import { isMatrix } from "./constants.ts";

/** Names of biases. */
export const bias = /(^|[./])(bias|beta)(:0)?$/;
const scale = /(^|[./])(weight|gamma|scale)(:0)?$/;

/**
 * Tensors that a graph does not use although it computes their module: it uses other tensors of the module, or the
 * module has only biases and scales and is part of one that the graph uses. Tensors without effect in both ends are
 * left out. `used` and `unused` are names of floating tensors.
 */
export async function findDropped(
  used: Iterable<string>,
  unused: readonly string[],
  ends: readonly [StateDict, StateDict],
): Promise<string[]> {
  const modules = new Set<string>();
  const ancestors = new Set<string>([""]);
  for (const name of used) {
    modules.add(moduleOf(name));
    for (let path = moduleOf(name); path; path = moduleOf(path)) ancestors.add(path);
  }
  const withMatrix = new Set(unused.filter((name) => isMatrix(ends[0].tensors.get(name)!.shape)).map(moduleOf));
  const dropped: string[] = [];
  for (const name of unused) {
    const module = moduleOf(name);
    if (!module || !(bias.test(name) || scale.test(name))) continue;
    const isComputed = modules.has(module) || (!withMatrix.has(module) && ancestors.has(moduleOf(module)));
    if (!isComputed) continue;
    const tensors = [await ends[0].read(name), await ends[1].read(name)];
    if (!tensors.every((tensor) => hasNoEffect(name, tensor))) dropped.push(name);
  }
  return dropped;
}

/** Some normalisations scale by 1 + weight. */
function hasNoEffect(name: string, tensor: Tensor): boolean {
  const values = toNumbers(tensor);
  return values.every((x) => x === 0) || (scale.test(name) && values.every((x) => x === 1));
}
