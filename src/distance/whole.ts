// Whole-number tensors: positions, masks, quantised weights. They have no average, so two ends that differ in them have none either. Single elements are
// counters (the batches that a normalisation has seen), which may differ.
import { type Checkpoint, chunksOf } from "../checkpoints/index.ts";
import { isFloating, listSome, sizeOf, UserError } from "../core/index.ts";
import { sumsOfPieces } from "./distance.ts";

/** The sentence for whole-number tensors that differ. */
export const cannotAverage = (a: string, b: string, names: readonly string[]): UserError =>
  new UserError(
    `${a} and ${b} hold whole-number tensors that differ (${listSome(names, 3)}), which cannot be averaged; are they quantised? Give the float models.`,
  );

/** Throws {@link UserError} when two state dicts differ in a whole-number tensor, masks of bools among them. */
export async function requireSameWhole(a: Checkpoint, b: Checkpoint): Promise<void> {
  const isWhole = (file: Checkpoint, name: string) => !isFloating(file.tensors.get(name)!.dtype);
  const sums = sumsOfPieces(
    (name) => chunksOf(a, name),
    (name) => chunksOf(b, name),
  );
  const differing: string[] = [];
  for (const { name, shape } of a.tensors.values()) {
    if (sizeOf(shape) < 2 || !b.tensors.has(name) || !(isWhole(a, name) || isWhole(b, name))) continue;
    if ((await sums(name)).whole > 0) differing.push(name);
  }
  if (differing.length) throw cannotAverage(a.path, b.path, differing);
}
