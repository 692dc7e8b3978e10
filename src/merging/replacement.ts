// The new elements of each tensor of a merged file, chunk by chunk.
import { type Checkpoint, makeRing, type Replace, type Ring, storedInfo } from "../checkpoints/index.ts";
import { average, fromNumbers, isFloating, type Tensor, toNumbers } from "../core/index.ts";
import { holderOf } from "../models/index.ts";
import type { MergeEnds } from "./ends.ts";
import { averageChunks, checkedChunks, type Place } from "./mixing.ts";
import { endsAt, hasOverflowed, makeOverflows } from "./overflow.ts";

interface ReplacementOptions {
  readonly allowNonfinite?: boolean;
}

interface Replacement {
  readonly replace: Replace;
  /** Notes about the elements that were written. */
  notes(): string[];
}

/**
 * Replaces each tensor of a's file, by its common name, according to its plan: an alpha (0 or 1 if it is not averaged),
 * or a tensor to write instead; undefined leaves a's. Throws {@link UserError} if the file's dtype cannot represent a
 * result.
 */
export function replaceWith(
  { tied, graphs, files: [x, y] }: MergeEnds,
  { allowNonfinite }: ReplacementOptions,
  planFor: (name: string) => Tensor | number | undefined,
): Replacement {
  const holder = holderOf(tied);
  const overflows = makeOverflows(x, y, allowNonfinite);
  const [ringA, ringB, ring] = [makeRing(), makeRing(), makeRing()];
  // a tied tensor may be stored under only one of its names
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
  const replace: Replace = async (name) => {
    const { dtype } = storedInfo(x, name); // the dtype in the file, also if the end is computed from it
    const { shape } = x.tensors.get(name)!;
    const plan = planFor(name) ?? (x.computed?.has(name) ? 0 : undefined);
    if (typeof plan === "object") {
      const result = fromNumbers(dtype, shape, toNumbers(plan)); // in the file's precision
      if (hasOverflowed(result, [plan])) overflows.add(name, dtype);
      return result;
    }
    if (graphs) {
      if (plan === undefined) return undefined;
      const [own, other] = [await graphs.a.read(holder(name)), await graphs.b.read(holder(name))];
      const result = average(own, other, plan, own.dtype);
      if (hasOverflowed(result, endsAt(plan, own, other)))
        overflows.add(name, own.dtype, { alpha: plan, dtype: other.dtype });
      return result;
    }
    const [a, b] = [placeIn(x, name, ringA), placeIn(y, name, ringB)];
    if (plan !== undefined)
      return averageChunks(a, b, plan, dtype, ring, () =>
        overflows.add(a.name, dtype, { alpha: plan, dtype: storedInfo(y, b.name).dtype }),
      );
    if (allowNonfinite || !isFloating(dtype)) return undefined;
    if (a.name === name) return checkedChunks(a, b); // unchanged
    for await (const _ of checkedChunks(a, b));
    return undefined;
  };
  return { replace, notes: overflows.notes };
}
