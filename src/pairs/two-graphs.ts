// A pair of two ONNX files of one architecture. Walking both graphs in parallel pairs their weights, whatever their
// names.
import { type Checkpoint, chunksOf, notesOfSharedFiles } from "../checkpoints/index.ts";
import { inspect, listSome, type Tensor, toNumbers } from "../core/index.ts";
import {
  alignGraphs,
  completeGraph,
  droppedIn,
  findTransposed,
  notesOfDropped,
  notesOfTransposed,
  readGraph,
  requireAverageable,
} from "../distance/index.ts";
import type { ForeignModel, Held } from "../graph/index.ts";
import {
  dtypeOf,
  graphParameters,
  isCaptured,
  isComputed,
  isNeutral,
  joinTransposed,
  layersOf,
  neutralValue,
  type Parameter,
} from "../models/index.ts";
import { type End, openEnd, openTwoEnds, renameEnd, requireFinite } from "./end.ts";
import { fitGraph } from "./fit-graph.ts";
import { cannotRecalibrate, notesOfDropout, requireRunnable } from "./graph-notes.ts";
import { kindsOfEnds, notesOfParameters } from "./kept.ts";
import type { Binding } from "./matching/candidates.ts";
import { readConstants } from "./matching/network.ts";
import type { Origin } from "./origin.ts";
import { findTied } from "./ties.ts";

export const twoGraphs: Origin = {
  async open([first, second], { group, allowNonfinite }) {
    const [x, y] = await openTwoEnds([first, second]);
    const other = await readGraph(second.path);
    const foreign = completeGraph(await readGraph(first.path), other, first.path, second.path);
    const a = graphEnd(x, new Map(foreign.held.map((held) => [held.name, held])));
    const b = alignedEnd(foreign, other, first, second, y);
    if (!allowNonfinite) await requireFinite(a, b);
    const differing = new Set(
      foreign.held.map(({ name }) => name).filter((name) => a.digestOf(name) !== b.digestOf(name)),
    );
    const kinds = await kindsOfEnds(a, b, foreign);
    requireAverageable(kinds, first.path, second.path, "--layers does not leave them out: they are in no layer.");
    const trained = new Set(differing);
    for (const held of foreign.held)
      if (!held.tensor && neutralValue(held) !== undefined && !isNeutral(held, toNumbers(await a.read(held.name))))
        trained.add(held.name);
    const found = graphParameters(foreign, ({ name }) => trained.has(name), kinds.of);
    const transposed = await findTransposed(
      found.map((one) => ({ ...one, dtype: dtypeOf(one) })),
      [piecesOf(first, a), piecesOf(second, b)],
    );
    const parameters = joinTransposed(found, transposed);
    const computed = parameters.map(({ name }) => name).filter((name) => isComputed(name) && differing.has(name));
    const captured = parameters.filter(({ name, layer }) => isCaptured(name) && !layer && differing.has(name));
    const tied = findTied(a, b);
    const bindings = new Map<string, Binding>(parameters.map(({ name }) => [name, (weights) => weights(name)]));
    const constants = await readConstants(foreign, bindings, first);
    const network = { path: first.path, foreign, parameters, tied, bindings, constants };
    const fitted = fitGraph(network, a);
    return {
      a,
      b,
      layers: layersOf({ parameters, tied }, group),
      parameters,
      tied,
      notes: [
        ...notesOfSharedFiles(first, second),
        ...[a, b].flatMap(({ path, dropped = [] }) => notesOfDropped(path, dropped)),
        ...notesOfParameters(kinds, parameters),
        ...(await notesOfDropout(foreign, first)),
        ...notesOfTransposed(transposed),
        ...(computed.length
          ? [
              `The export computed ${listSome(computed)} from parameters, so these values are averaged instead of the parameters. To average the parameters, export with optimize=False.`,
            ]
          : []),
        ...notesOfCaptured(captured),
      ],
      kinds,
      facts: {},
      cannotRecalibrate: cannotRecalibrate(foreign),
      isOrderOfGraph: true,
      ...fitted,
      async fit(data, request) {
        requireRunnable(foreign, first.path);
        return fitted.fit(data, request);
      },
      openEnd: async (file) => alignedEnd(foreign, await readGraph(file.path), first, file, await openEnd(file)),
    };
  },
};

/** A note on differing tensors that are neither parameters nor buffers: numbers drawn during the export, most often. */
const notesOfCaptured = (captured: readonly Parameter[]): string[] =>
  captured.length
    ? [
        `The exports stored constants that are no parameters and differ: ${listSome(captured.map(({ name }) => name))}. They are averaged like weights. If they are random numbers, set the same seed before each export.`,
      ]
    : [];

/** The elements of an end's tensors, read from the file only up to a limit. */
const piecesOf = (file: Checkpoint, end: End) =>
  async function* (name: string, limit?: number) {
    const place = end.placeOf(name);
    if (place !== undefined && file.tensors.has(place)) yield* chunksOf(file, place, limit);
    else yield await end.read(name);
  };

/** The tensors of a file under the names of the first file's graph. */
function alignedEnd(foreign: ForeignModel, own: ForeignModel, first: Checkpoint, other: Checkpoint, end: End): End {
  return graphEnd(end, alignGraphs(foreign, own, first.path, other.path));
}

/** An end under the names of a graph: the initialisers of its file, and the constants of its graph. */
function graphEnd(end: End, held: ReadonlyMap<string, Held>): End {
  const constants = new Map<string, Tensor>();
  const stored = new Map<string, string>();
  for (const [name, { name: own, tensor, copyOf = own }] of held)
    if (tensor) constants.set(name, tensor);
    else stored.set(name, copyOf);
  const initialisers = renameEnd(end, stored);
  return {
    ...initialisers,
    dropped: droppedIn(held),
    tensors: new Map([...held].map(([name, { dtype, shape }]) => [name, { dtype, shape }])),
    read: async (name) => constants.get(name) ?? initialisers.read(name),
    placeOf: (name) => (constants.has(name) ? undefined : initialisers.placeOf(name)),
    digestOf(name) {
      const own = constants.get(name);
      return own ? `${own.dtype}[${own.shape}] ${inspect(own).digest}` : initialisers.digestOf(name);
    },
    isFinite: (name) => constants.has(name) || initialisers.isFinite(name),
    isConstant(name) {
      const own = constants.get(name);
      return own ? inspect(own).constant : initialisers.isConstant(name);
    },
  };
}
