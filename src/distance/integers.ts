// Tensors that can neither be averaged nor kept from one end: quantised weights, and integers of unknown meaning.
import { listSome, sizeOf, UserError } from "../core/index.ts";
import { isAveraged } from "../models/index.ts";
import type { Kinds } from "./kinds.ts";

/** The error for integer tensors that differ; `more` is advice for other cases than quantised models. */
export const cannotAverage = (a: string, b: string, names: readonly string[], more = ""): UserError =>
  new UserError(
    `${a} and ${b} contain integer tensors that differ (${listSome(names, 3)}), which cannot be averaged. If they are quantised, give the float models.${more && ` ${more}`}`,
  );

/** Throws {@link UserError} when two files differ in such a tensor; `a` and `b` are their paths. */
export function requireAverageable({ differing }: Kinds, a: string, b: string): void {
  const refused = differing.filter(({ kind }) => kind.differing === "refuse").map(({ name }) => name);
  if (refused.length) throw cannotAverage(a, b, refused);
}

/**
 * Throws {@link UserError} if such tensors are most of two files: the distances of the rest (their scales) would be
 * meaningless.
 */
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
    `Most of ${a} and ${b} consists of integer tensors that differ (${listSome(
      refused.map(({ name }) => name),
      3,
    )}), which have no distance. If they are quantised, give the float models.`,
  );
}
