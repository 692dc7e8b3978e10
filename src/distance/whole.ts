// What cannot be averaged and must not be kept from one end either: quantised weights, and whole numbers that nothing is known of.
import { listSome, UserError } from "../core/index.ts";
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
