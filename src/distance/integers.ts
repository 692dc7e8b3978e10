// Tensors that can neither be averaged nor kept from one end: quantised weights, and integers of unknown meaning.
import { listSome, sizeOf, UserError } from "../core/index.ts";
import { isAveraged } from "../models/index.ts";
import type { Differing, Kinds } from "./kinds.ts";

const isRefused = ({ kind }: Differing) => kind.differing === "refuse";

/** What these tensors are, and what to do. Weights without their scales come first: integers may be next to them. */
function describe(refused: readonly Differing[]): { readonly what: string; readonly advice: string } {
  const unscaled = refused.filter(({ kind }) => kind.name === "unscaled").sort((x, y) => y.size - x.size); // weights first
  const namesOf = (some: readonly Differing[]) =>
    listSome(
      some.map(({ name }) => name),
      3,
    );
  if (unscaled.length)
    return {
      what: `${unscaled[0].kind.plural} (${namesOf(unscaled)})`,
      advice: "Dequantise both checkpoints: multiply each weight by the scale next to it, then remove the scale.",
    };
  return {
    what: `integer tensors that differ (${namesOf(refused)})`,
    advice: "If they are quantised, give the float models.",
  };
}

/** The error for such tensors; `more` is advice for other cases than quantised models. */
export function cannotAverage(a: string, b: string, refused: readonly Differing[], more = ""): UserError {
  const { what, advice } = describe(refused);
  return new UserError(`${a} and ${b} contain ${what}, which cannot be averaged. ${advice}${more && ` ${more}`}`);
}

/** Throws {@link UserError} when two files differ in such a tensor; `a` and `b` are their paths. */
export function requireAverageable({ differing }: Kinds, a: string, b: string, more?: string): void {
  const refused = differing.filter(isRefused);
  if (refused.length) throw cannotAverage(a, b, refused, more);
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
  const refused = differing.filter(isRefused);
  const uncounted = refused.reduce((sum, { size }) => sum + size, 0);
  const counted = tensors.filter(({ name }) => isAveraged(of(name))).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  if (uncounted <= counted) return;
  const { what, advice } = describe(refused);
  throw new UserError(`Most of ${a} and ${b} consists of ${what}, which have no distance. ${advice}`);
}

/** Notes on such tensors that are too few to refuse the files, and on weights compared without their scales. */
export function notesOfRefused({ differing, unscaled = [] }: Kinds): string[] {
  const refused = differing.filter(isRefused);
  const notes = (some: readonly Differing[]) => {
    if (some.length === 0) return [];
    const { what, advice } = describe(some);
    return [`The distances exclude ${what}. ${advice}`];
  };
  const isUnscaled = ({ kind }: Differing) => kind.name === "unscaled";
  return [
    ...notes(refused.filter((one) => !isUnscaled(one))),
    ...notes(refused.filter(isUnscaled)),
    ...(unscaled.length
      ? [
          `The distances are of the stored values for ${listSome(unscaled, 3)}, converted from eight bits without applying their scales, which are the same in both files.`,
        ]
      : []),
  ];
}
