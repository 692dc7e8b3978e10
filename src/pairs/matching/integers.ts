// Integers of a graph that belong to the network: zero points, counters, tables. Each end keeps its own.
import { isFloating, sizeOf } from "../../core/index.ts";
import type { ForeignModel, Held } from "../../graph/index.ts";
import { isQuantising } from "../../models/index.ts";
import type { StateDict } from "./candidates.ts";

/**
 * The state dict's tensor for integers of the graph: that of the same name, or the zero point that belongs to a scale.
 * Exporters write zero points without a name and in another dtype, beside their scale. `nameOf` gives the tensor of the
 * state dict that a weight of the graph is.
 */
export function findIntegers(
  { nodes, held }: ForeignModel,
  { tensors }: StateDict,
  nameOf: (held: string) => string | undefined,
): Map<Held, string> {
  const integers = new Map(held.flatMap((one) => (isFloating(one.dtype) ? [] : [[one.name, one]])));
  const found = new Map<Held, string>();
  const add = (one: Held | undefined, name = one?.name) => {
    const stored = name === undefined ? undefined : tensors.get(name);
    if (!one || !stored || isFloating(stored.dtype)) return;
    if (sizeOf(stored.shape) === sizeOf(one.shape)) found.set(one, name!);
  };
  for (const one of integers.values()) add(one);
  for (const { opType, input } of nodes)
    if (isQuantising(opType)) add(integers.get(input[2]), nameOf(input[1])?.replace(/scale$/, "zero_point"));
  return found;
}
