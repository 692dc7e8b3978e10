// A pair of two state dicts with an ONNX graph as their model. The graph's weights are matched with those of the state
// dicts.
import { openCheckpoint } from "../checkpoints/index.ts";
import { listSome, sha256File, UserError } from "../core/index.ts";
import { alignCheckpoints, kindsOfFiles, readGraph, requireAverageable, tiedIn } from "../distance/index.ts";
import type { ForeignModel } from "../graph/index.ts";
import { layersOf, quantisedWeight, stateDictParameters } from "../models/index.ts";
import { fillTied, openEnd, openTwoEnds, requireFinite, shareTied } from "./end.ts";
import { fitGraph } from "./fit-graph.ts";
import { cannotRecalibrate, notesOfDropout, requireRunnable } from "./graph-notes.ts";
import { notesOfParameters, notesOfUnused } from "./kept.ts";
import { type Match, matchWeights } from "./matching/match.ts";
import { readConstants } from "./matching/network.ts";
import type { Origin } from "./origin.ts";
import { findTied } from "./ties.ts";

export const graphWithStates: Origin = {
  async open(files, { model, group, allowNonfinite }) {
    const path = model.name!;
    const { a: first, b: second, notes: readings, likeA } = await alignCheckpoints(...files);
    const kinds = await kindsOfFiles(first, second);
    requireAverageable(kinds, first.path, second.path);
    const tiedInFiles = tiedIn(first, second);
    const hash = sha256File(path); // in a separate thread
    hash.catch(() => {}); // awaited below
    const [whole, other] = await openTwoEnds([first, second]);
    if (!allowNonfinite) await requireFinite(whole, other);
    const [a, b] = [whole, other].map((end) => fillTied(end, tiedInFiles));
    const foreign = await readGraph(path);
    const values = await openCheckpoint(path);
    try {
      const match = await matchWeights(foreign, values, [a, b]);
      requireMatch(match, foreign, path, first.path);
      const { bindings, used, unused, folded, shared, constants: own } = match;
      const notes = [...readings, ...(unused.length ? [`The graph does not use ${listSome(unused)}.`] : [])];
      notes.push(...(await notesOfDropout(foreign, values)));
      if (own.length)
        notes.push(`The graph has constants that are in neither checkpoint and do not change: ${listSome(own)}.`);
      if (folded) notes.push("Batch normalisations that the export had folded into convolutions were separated again.");
      const tied = findTied(a, b);
      const isTied = (name: string, other: string) => tied.some((some) => some.includes(name) && some.includes(other));
      const equal = [...shared.equal].filter(([name, same]) => !isTied(name, same));
      if (equal.length) {
        const pairs = equal.map(([name, same]) => `${name} (as ${same})`);
        notes.push(
          `The graph stores tensors that are equal in both checkpoints under one name: ${listSome(pairs, 3)}.`,
        );
      }
      const [x, y] = [shareTied(a, tied, notes), shareTied(b, tied, notes)];
      const parameters = stateDictParameters(x.tensors, used, tied, kinds.of);
      notes.push(...notesOfParameters(kinds, parameters), ...notesOfUnused(kinds, parameters));
      const constants = await readConstants(foreign, bindings, values);
      const fitted = fitGraph({ path, foreign, parameters, tied, bindings, constants }, x);
      return {
        a: x,
        b: y,
        layers: layersOf({ parameters, tied }, group),
        parameters,
        tied,
        notes,
        kinds,
        facts: { graph: path, sha256: await hash },
        cannotRecalibrate: folded || cannotRecalibrate(foreign),
        isOrderOfGraph: true,
        ...fitted,
        async fit(data, request) {
          requireRunnable(foreign, path);
          return fitted.fit(data, request);
        },
        files: [first, second],
        openEnd: async (file) => shareTied(await openEnd(likeA(file)), tied, []),
      };
    } finally {
      await values.close();
    }
  },
};

/** Throws {@link UserError} unless a graph and a state dict certainly belong to one network. */
function requireMatch(
  { unused, unclear, missing, hidden, dropped, shared, used }: Match,
  foreign: ForeignModel,
  graph: string,
  file: string,
) {
  const quantised = unused.length ? quantisedWeight(foreign) : undefined;
  if (quantised) {
    throw new UserError(
      `${graph} is quantised (${quantised.name} is ${quantised.dtype}), so it would not use ${listSome(unused, 3)} of ${file}. Export the float model.`,
    );
  }
  if (unclear.length) {
    throw new UserError(
      `${graph} seems to contain folded batch normalisations that cannot be separated: ${listSome(unclear, 3)}. Export the graph again without folding them (PyTorch: optimize=False, or training=TrainingMode.PRESERVE in the older exporter).`,
    );
  }
  if (missing.length) {
    throw new UserError(
      `${graph} has weights that are not in ${file}: ${listSome(missing)}.${unused.length ? ` Unused in the file: ${listSome(unused)}.` : ""} Export the graph from one of the two checkpoints, without folding constants.`,
    );
  }
  if (shared.apart.length) {
    throw new UserError(
      `${graph} stores tensors under one name that were equal at export but differ in a checkpoint: ${listSome(shared.apart, 3)}. Export the graph from the checkpoint in which they differ.`,
    );
  }
  if (hidden.length) {
    throw new UserError(
      `${graph} does not use some parameters of ${file} that differ between the checkpoints, but contains constants that may have been computed from them: ${listSome(hidden, 3)}. Export the graph again without folding constants (PyTorch: optimize=False, or do_constant_folding=False in the older exporter).`,
    );
  }
  if (dropped.length) {
    throw new UserError(
      `${graph} does not use ${listSome(dropped, 3)} of ${file}, although it computes ${dropped.length > 1 ? "their layers" : "its layer"}. Exporters drop biases of zeros and scales of ones, so the graph was probably exported before training. Export it from a trained checkpoint.`,
    );
  }
  if (used.length === 0)
    throw new UserError(`${graph} uses no weight of ${file}. Export the graph from one of the two checkpoints.`);
}
