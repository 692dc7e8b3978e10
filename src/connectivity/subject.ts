// What is measured: a built-in network with two checkpoints, two ONNX files, or an ONNX graph with the weights of two checkpoints.
import { readFile } from "node:fs/promises";
import { isFloating, listSome, sha256, UserError } from "../core/index.ts";
import type { ForeignModel } from "../graph/index.ts";
import {
  type Binding,
  buildModel,
  findNetwork,
  graphParameters,
  type Model,
  matchWeights,
  onnxModel,
  ownTensor,
  quantisedWeight,
  stateDictParameters,
} from "../models/index.ts";
import {
  compareKeys,
  compareWithModel,
  type End,
  fillTied,
  findTied,
  isSame,
  readEnd,
  shareTied,
  tiedIn,
  withCheckpoints,
} from "./ends.ts";
import { alignGraphs, readGraph } from "./graphs.ts";
import { cannotAverage, requireSameWhole } from "./whole.ts";

export interface ModelSpec {
  /** A built-in network, or the path of an ONNX graph; left out when both ends are ONNX files. */
  readonly name?: string;
  /** Sizes given by the user; the others are read from the checkpoint. */
  readonly sizes?: Partial<Record<string, number>>;
}

export interface Subject {
  readonly a: End;
  readonly b: End;
  readonly notes: readonly string[];
  /** The graph's batch normalisations were folded into its convolutions, so it has none that could be run in training mode. */
  readonly isFolded?: boolean;
  /** What the result says of the model, beside its sizes. */
  readonly facts: Readonly<Record<string, string>>;
  /** The network; an ONNX graph is told which output holds the scores, and of what type. */
  model(output: OutputSpec): Model;
  /** The graph, where it is one. */
  readonly foreign?: ForeignModel;
}

export type OutputSpec = Parameters<typeof onnxModel>[0]["output"];

/** Reads both ends. Throws {@link UserError} when they do not fit each other or the network, or a weight is NaN or infinite. */
export function openSubject(
  paths: readonly [string, string],
  spec: ModelSpec,
  { allowNonfinite = false } = {},
): Promise<Subject> {
  return withCheckpoints(paths, async (a, b) => {
    if (spec.name === undefined && (a.format !== "onnx" || b.format !== "onnx")) {
      throw new UserError(
        "Name the network with --model: a built-in one (see `layerwise models`), or an .onnx file of its graph. Two .onnx files need none.",
      );
    }
    if (spec.name === undefined) return openGraphs(await readEnd(a, allowNonfinite), await readEnd(b, allowNonfinite));
    if (spec.name.endsWith(".onnx")) {
      compareKeys(a, b);
      await requireSameWhole(a, b);
      const [x, y] = [await readEnd(a, allowNonfinite), await readEnd(b, allowNonfinite)];
      return openGraph(spec.name, fillTied(x, tiedIn(a, b)), fillTied(y, tiedIn(a, b)));
    }
    const model = buildModel(await findNetwork(spec.name), spec.sizes, (name) => a.tensors.get(name)?.shape);
    compareKeys(a, b, model.tied);
    await requireSameWhole(a, b);
    compareWithModel(a, model);
    const notes: string[] = [];
    const ends = [await readEnd(a, allowNonfinite), await readEnd(b, allowNonfinite)];
    const [x, y] = ends.map((end) => shareTied(end, model.tied, notes));
    return { a: x, b: y, notes, facts: {}, model: () => model };
  });
}

/** Two ONNX files of one architecture. */
async function openGraphs(a: End, b: End): Promise<Subject> {
  const [foreign, other] = [await readGraph(a.path), await readGraph(b.path)];
  const pairs = alignGraphs(foreign, other, a.path, b.path);
  const own = new Map(foreign.held.map((held) => [held.name, ownTensor(held, a.tensors)]));
  const theirs = new Map([...pairs].map(([name, held]) => [name, ownTensor(held, b.tensors)]));
  const differing = new Set(
    foreign.held.map((h) => h.name).filter((name) => !isSame(own.get(name)!, theirs.get(name)!)),
  );
  const whole = [...differing].filter((name) => !isFloating(own.get(name)!.dtype));
  if (whole.length) throw cannotAverage(a.path, b.path, whole);
  const parameters = graphParameters(foreign, ({ name }) => differing.has(name));
  const ends = [
    { ...a, tensors: own },
    { ...b, tensors: theirs },
  ] as const;
  const tied = findTied(...ends);
  return {
    a: ends[0],
    b: ends[1],
    notes: [],
    facts: {},
    foreign,
    model: (output) => {
      const bindings = new Map<string, Binding>(parameters.map(({ name }) => [name, (weights) => weights(name)]));
      return onnxModel({ foreign, parameters, tied, bindings, values: a.tensors, output });
    },
  };
}

/** An ONNX graph with the weights of two state dicts. */
async function openGraph(path: string, a: End, b: End): Promise<Subject> {
  const foreign = await readGraph(path);
  const values = await withCheckpoints([path], async (file) => (await readEnd(file, true)).tensors);
  const { bindings, missing, used, unused, folded, unclear } = matchWeights(foreign, values, [a.tensors, b.tensors]);
  const quantised = unused.length ? quantisedWeight(foreign) : undefined;
  if (quantised) {
    throw new UserError(
      `${path} is quantised: its ${quantised.name} is ${quantised.dtype}, and ${listSome(unused, 3)} of ${a.path} would not be used. Export the float model.`,
    );
  }
  if (unclear.length) {
    throw new UserError(
      `${path} seems to have batch normalisations folded into other weights that cannot be taken apart: ${listSome(unclear, 3)}. Export the graph again with them kept (PyTorch: optimize=False, or training=TrainingMode.PRESERVE in the older exporter).`,
    );
  }
  if (missing.length) {
    throw new UserError(
      `${path} has weights that are not in ${a.path}: ${listSome(missing)}.${unused.length ? ` Left over in the file: ${listSome(unused)}.` : ""} Export the graph from one of the two checkpoints, without folding constants.`,
    );
  }
  if (used.length === 0)
    throw new UserError(`${path} uses no weight of ${a.path}. Export the graph from one of the two checkpoints.`);
  const notes = unused.length ? [`The graph does not use ${listSome(unused)}.`] : [];
  if (folded) notes.push("Batch normalisations that the export folded into convolutions were taken apart again.");
  const tied = findTied(a, b);
  const [x, y] = [a, b].map((end) => shareTied(end, tied, notes));
  const parameters = stateDictParameters(x.tensors, used, tied);
  return {
    a: x,
    b: y,
    notes,
    isFolded: folded,
    facts: { graph: path, sha256: sha256(await readFile(path)) },
    foreign,
    model: (output) => onnxModel({ foreign, parameters, tied, bindings, values, output }),
  };
}

/** The tensors of another checkpoint of a subject's network, whatever their values. */
export const openMember = (path: string, { tied }: Model): Promise<End["tensors"]> =>
  withCheckpoints([path], async (file) => shareTied(await readEnd(file, true), tied, []).tensors);
