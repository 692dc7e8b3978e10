// What a pair says of tensors that are not averaged but differ in its ends.
import { type Kinds, kindsOf, notesOfKept } from "../distance/index.ts";
import type { Model } from "../models/index.ts";
import type { End } from "./end.ts";

/** The kinds of what two ends have under the same names. */
export function kindsOfEnds(a: End, b: End): Promise<Kinds> {
  const tensors = [...a.tensors].map(([name, { dtype, shape }]) => ({
    name,
    dtype,
    shape,
    other: b.tensors.get(name)?.dtype,
    isInfinite: !a.isFinite(name),
  }));
  const piecesIn = (end: End) =>
    async function* (name: string) {
      yield await end.read(name);
    };
  return kindsOf(tensors, piecesIn(a), piecesIn(b));
}

const kept = ({ differing }: Kinds) => differing.filter(({ kind }) => kind.differing === "note");

/** Of parameters of the network. */
export function notesOfParameters(kinds: Kinds, parameters: Model["parameters"]): string[] {
  const names = new Set(parameters.map(({ name }) => name));
  return notesOfKept(
    kept(kinds).filter(({ name }) => names.has(name)),
    () => "an averaged layer takes those of its base, or of a where every layer is averaged",
  );
}

/** Of tensors in the files that the graph has its own of. */
export function notesOfUnused(kinds: Kinds, parameters: Model["parameters"]): string[] {
  const names = new Set(parameters.map(({ name }) => name));
  return notesOfKept(
    kept(kinds).filter(({ name }) => !names.has(name)),
    () => "the graph has its own",
  );
}
