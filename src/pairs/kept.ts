// Notes on tensors that are not averaged but differ between the ends of a pair.
import { type Kinds, kindsOf, notesOfKept } from "../distance/index.ts";
import type { ForeignModel } from "../graph/index.ts";
import type { Model } from "../models/index.ts";
import type { End } from "./end.ts";

/** The kinds of tensors that two ends have under the same names, which are those of a graph. */
export function kindsOfEnds(a: End, b: End, { held }: ForeignModel): Promise<Kinds> {
  const uses = new Map(held.map(({ name, use }) => [name, use]));
  const tensors = [...a.tensors].map(([name, { dtype, shape }]) => ({
    name,
    dtype,
    shape,
    other: b.tensors.get(name)?.dtype,
    isInfinite: !a.isFinite(name),
    use: uses.get(name),
  }));
  const piecesIn = (end: End) =>
    async function* (name: string) {
      yield await end.read(name);
    };
  return kindsOf(tensors, piecesIn(a), piecesIn(b));
}

const kept = ({ differing }: Kinds) => differing.filter(({ kind }) => kind.differing === "note");

/** Notes on kept parameters of the network. */
export function notesOfParameters(kinds: Kinds, parameters: Model["parameters"]): string[] {
  const names = new Set(parameters.map(({ name }) => name));
  return notesOfKept(
    kept(kinds).filter(({ name }) => names.has(name)),
    () => "an averaged layer uses those of its base; with both bases, an average of every layer uses those of a",
  );
}

/** Notes on tensors in the files for which the graph has its own. */
export function notesOfUnused(kinds: Kinds, parameters: Model["parameters"]): string[] {
  const names = new Set(parameters.map(({ name }) => name));
  return notesOfKept(
    kept(kinds).filter(({ name }) => !names.has(name)),
    () => "the graph has its own",
  );
}
