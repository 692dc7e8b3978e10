// The new elements of each tensor of a merged file, chunk by chunk.
import { type Checkpoint, makeRing, type Replace, type Ring, storedInfo } from "../checkpoints/index.ts";
import { average, fromNumbers, isFloating, type Tensor, toNumbers } from "../core/index.ts";
import { holderOf } from "../models/index.ts";
import type { MergeEnds } from "./ends.ts";
import { averageChunks, checkedChunks, type Place } from "./mixing.ts";

interface ReplacementOptions {
  readonly allowNonfinite?: boolean;
}

/**
 * The new elements of each tensor of a's file, by its common name: by the weight of b that it gets (0 or 1 for what is not averaged), or the tensor in its
 * place; undefined leaves a's.
 */
export function replaceWith(
  { tied, graphs, files: [x, y] }: MergeEnds,
  { allowNonfinite }: ReplacementOptions,
  planFor: (name: string) => Tensor | number | undefined,
): Replace {
  const holder = holderOf(tied);
  const [ringA, ringB, ring] = [makeRing(), makeRing(), makeRing()];
  // a tied tensor may be there under one of its names only
  const placeIn = (file: Checkpoint, name: string, ring: Ring): Place => {
    const group = tied.find((names) => names.includes(name)) ?? [];
    const own = holder(name);
    return {
      file,
      name: file.tensors.has(own) ? own : (group.find((one) => file.tensors.has(one)) ?? own),
      ring,
      allowNonfinite,
    };
  };
  return async (name) => {
    const { dtype } = storedInfo(x, name); // the file's, also where an end is computed from it
    const { shape } = x.tensors.get(name)!;
    const plan = planFor(name) ?? (x.computed?.has(name) ? 0 : undefined);
    if (typeof plan === "object") return fromNumbers(dtype, shape, toNumbers(plan)); // in the file's precision
    if (graphs) {
      if (plan === undefined) return undefined;
      const [own, other] = [await graphs.a.read(holder(name)), await graphs.b.read(holder(name))];
      return average(own, other, plan, own.dtype);
    }
    const [a, b] = [placeIn(x, name, ringA), placeIn(y, name, ringB)];
    if (plan !== undefined) return averageChunks(a, b, plan, dtype, ring);
    if (allowNonfinite || !isFloating(dtype)) return undefined;
    if (a.name === name) return checkedChunks(a, b); // as they are
    for await (const _ of checkedChunks(a, b));
    return undefined;
  };
}
