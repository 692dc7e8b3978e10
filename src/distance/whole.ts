// What cannot be averaged and must not be kept from one end either: quantised weights, and whole numbers that nothing is known of.
import { listSome, sizeOf, UserError } from "../core/index.ts";
import { isAveraged } from "../models/index.ts";
import type { Kinds } from "./kinds.ts";

/** The sentence for whole-number tensors that differ. */
export const cannotAverage = (a: string, b: string, names: readonly string[]): UserError =>
  new UserError(
    `${a} and ${b} hold whole-number tensors that differ (${listSome(names, 3)}), which cannot be averaged; are they quantised? Give the float models.`,
  );

/** Throws {@link UserError} when two files differ in such a tensor; `a` and `b` are their paths. */
export function requireAverageable({ differing }: Kinds, a: string, b: string): void {
  const refused = differing.filter(({ kind }) => kind.differing === "refuse").map(({ name }) => name);
  if (refused.length) throw cannotAverage(a, b, refused);
}

/** Throws {@link UserError} when most of two files is such tensors: the distances of what is left, their scales, would say nothing of the networks. */
export function requireCounted(
  { differing, of }: Kinds,
  tensors: readonly { readonly name: string; readonly shape: readonly number[] }[],
  a: string,
  b: string,
): void {
  const refused = differing.filter(({ kind }) => kind.differing === "refuse");
  const uncounted = refused.reduce((sum, { size }) => sum + size, 0);
  const counted = tensors.filter(({ name }) => isAveraged(of(name))).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  if (uncounted <= counted) return;
  throw new UserError(
    `Most of ${a} and ${b} is whole-number tensors that differ (${listSome(
      refused.map(({ name }) => name),
      3,
    )}), which have no distance; are they quantised? Give the float models.`,
  );
}
