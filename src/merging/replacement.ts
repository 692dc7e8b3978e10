// The new elements of each tensor of a merged file, chunk by chunk.
import { type Checkpoint, makeRing, type Replace, type Ring } from "../checkpoints/index.ts";
import { average, fromNumbers, isFloating, type Tensor, toNumbers } from "../core/index.ts";
import { holderOf } from "../models/index.ts";
import type { MergeEnds } from "./ends.ts";
import { averageChunks, chunksAt, type Place, requireFiniteAt } from "./mixing.ts";

interface ReplacementOptions {
  readonly allowNonfinite?: boolean;
  readonly base?: "a" | "b";
}

/** The new elements of each tensor of a's file, by its common name: by the weight of b that it gets, or the tensor in its place; undefined leaves a's. */
export function replaceWith(
  { tied, graphs, files: [x, y] }: MergeEnds,
  { allowNonfinite, base = "a" }: ReplacementOptions,
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
    const plan = planFor(name);
    const { dtype, shape } = x.tensors.get(name)!;
    if (typeof plan === "object") return fromNumbers(dtype, shape, toNumbers(plan)); // in the file's precision
    if (graphs) {
      if (plan === undefined) return undefined;
      const [own, other] = [await graphs.a.read(holder(name)), await graphs.b.read(holder(name))];
      if (isFloating(own.dtype)) return average(own, other, plan, own.dtype);
      return base === "b" ? other : undefined;
    }
    const [a, b] = [placeIn(x, name, ringA), placeIn(y, name, ringB)];
    if (!isFloating(dtype)) return base === "b" ? chunksAt(b) : undefined;
    if (plan !== undefined) return averageChunks(a, b, plan, dtype, ring);
    if (allowNonfinite) return undefined;
    if (a.name === name) return chunksAt(a); // as they are, and checked
    await requireFiniteAt(a);
    return undefined;
  };
}
