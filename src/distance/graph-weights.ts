// Two ONNX files of one architecture: their graphs are walked side by side to pair the weights, whatever their names.
import { type Checkpoint, chunksOf, notesOfSharedFiles, readStructure } from "../checkpoints/index.ts";
import { haveSameBytes, isFloating, listSome, sizeOf, type Tensor, toNumbers, UserError } from "../core/index.ts";
import {
  alignModels,
  completeModel,
  type ForeignModel,
  GraphDifference,
  type Held,
  importModel,
  missingValues,
} from "../graph/index.ts";
import {
  dtypeOf,
  graphParameters,
  isNeutral,
  joinTransposed,
  type LayerTensor,
  neutralValue,
} from "../models/index.ts";
import { type Kinds, kindsOf } from "./kinds.ts";
import { findTransposed, mayBeTied, notesOfTransposed } from "./transposed.ts";

/** Throws {@link UserError} if the file contains no readable graph, or a graph without its weights. */
export async function readGraph(path: string): Promise<ForeignModel> {
  const bytes = await readStructure(path);
  const model = modelIn(bytes, path);
  requireWeights(model, path);
  return model;
}

function modelIn(bytes: Uint8Array, path: string): ForeignModel {
  try {
    return importModel(bytes);
  } catch (error) {
    throw new UserError(`${path} cannot be read as an ONNX model: ${(error as Error).message}. Export it again.`, {
      cause: error,
    });
  }
}

/** With export_params=False, PyTorch omits weights or makes them inputs: after the first input, with fixed sizes. */
function requireWeights(model: ForeignModel, path: string): void {
  const advice = "Export it again with its weights (PyTorch: export_params=True).";
  const missing = missingValues(model);
  if (missing.length)
    throw new UserError(
      `${path} contains a graph without the tensors that it uses: ${listSome(missing, 3)}. ${advice}`,
    );
  if (model.held.some(({ dtype, shape }) => isFloating(dtype) && sizeOf(shape) > 1)) return;
  const weights = model.inputs.slice(1).filter(({ dtype, shape }) => {
    const isFixed = shape?.every((size) => typeof size === "number" && size > 0);
    return dtype !== undefined && isFloating(dtype) && isFixed;
  });
  if (weights.length)
    throw new UserError(
      `${path} contains a graph whose weights are inputs: ${listSome(
        weights.map(({ name }) => name),
        3,
      )}. ${advice}`,
    );
}

/** The tensors of `b` by the names of `a`. Throws {@link UserError} if the graphs differ. */
export const alignGraphs = (a: ForeignModel, b: ForeignModel, pathA: string, pathB: string): Map<string, Held> =>
  compared(pathA, pathB, () => alignModels(a, b));

/**
 * `a` with one weight for each weight of `b`, if `a` stores equal weights once or lacks biases of zeros. Throws
 * {@link UserError} if the graphs differ.
 */
export const completeGraph = (a: ForeignModel, b: ForeignModel, pathA: string, pathB: string): ForeignModel =>
  compared(pathA, pathB, () => completeModel(a, b));

/** The biases that a file lacks, by their names in `held`. */
export const droppedIn = (held: ReadonlyMap<string, Held>): string[] =>
  [...held].flatMap(([name, { isDropped }]) => (isDropped ? [name] : []));

/** Notes on biases that a file lacks. */
export function notesOfDropped(path: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const count = names.length > 1 ? "they count" : "it counts";
  return [`${path} has no ${listSome(names, 3)}. Exporters drop biases of zeros, so ${count} as zeros.`];
}

function compared<T>(pathA: string, pathB: string, compare: () => T): T {
  try {
    return compare();
  } catch (error) {
    if (!(error instanceof GraphDifference)) throw error;
    const { message, advice = "Export two checkpoints of one architecture in the same way." } = error;
    throw new UserError(`The graphs in ${pathA} and ${pathB} differ: ${message}. ${advice}`, { cause: error });
  }
}

/** The weights of several files. */
export interface StoredWeights {
  /** The tensors of the first file, with their modules. */
  readonly tensors: readonly LayerTensor[];
  /** Kinds of the first two files' tensors. */
  readonly kinds: Kinds;
  /** Groups of names that are one tensor. */
  readonly tied: readonly (readonly string[])[];
  /** Notes about the files. */
  readonly notes: readonly string[];
  /** The name of a first file's tensor in another file, or its elements if they are a constant of that file's graph. */
  placeIn(file: Checkpoint, name: string): string | Tensor;
}

/** The weights of ONNX files of one architecture. */
export async function graphWeights(files: readonly Checkpoint[]): Promise<StoredWeights> {
  const [first, ...others] = files;
  let graph = await readGraph(first.path);
  const graphs = new Map<Checkpoint, ForeignModel>();
  for (const file of others) {
    graphs.set(file, await readGraph(file.path));
    graph = completeGraph(graph, graphs.get(file)!, first.path, file.path);
  }
  const held = new Map([[first, new Map(graph.held.map((one) => [one.name, one]))]]);
  for (const [file, own] of graphs) held.set(file, alignGraphs(graph, own, first.path, file.path));
  const storedIn = (file: Checkpoint, name: string) => {
    const { name: own, copyOf = own } = held.get(file)!.get(name)!;
    return copyOf;
  };
  const placeIn = (file: Checkpoint, name: string) => held.get(file)!.get(name)!.tensor ?? storedIn(file, name);

  // constants and single numbers are weights only if they differ, scales also if they are not 1
  const trained = new Set<string>();
  for (const one of graph.held) {
    const { name, dtype, shape, tensor } = one;
    const mayBeNeutral = neutralValue(one) !== undefined;
    if (!isFloating(dtype) || !(tensor || sizeOf(shape) === 1 || mayBeNeutral)) continue;
    const read = async (file: Checkpoint) => {
      const place = placeIn(file, name);
      return typeof place === "string" ? file.read(place) : place;
    };
    const own = await read(first);
    if (mayBeNeutral && !tensor && !isNeutral(one, toNumbers(own))) trained.add(name);
    for (const file of others) if (!haveSameBytes(own, await read(file))) trained.add(name);
  }
  const piecesIn = (file: Checkpoint) => (name: string, limit?: number) => {
    const place = placeIn(file, name);
    return typeof place === "string" ? chunksOf(file, place, limit) : [place];
  };
  const kinds = await kindsOf(graph.held, piecesIn(first), piecesIn(others[0]));
  const parameters = graphParameters(graph, ({ name }) => trained.has(name), kinds.of);
  const transposed = await findTransposed(
    parameters.map((one) => ({ ...one, dtype: dtypeOf(one) })),
    files.map(piecesIn),
  );
  const tensors = joinTransposed(parameters, transposed).map((one) => ({ ...one, dtype: dtypeOf(one) }));

  // exporters write equal tensors once, even if they are equal by chance in a fresh network; tensors are tied only if
  // every file stores them as one
  const groups = new Map<string, string[]>();
  for (const { name } of tensors.filter(mayBeTied)) {
    const stored = JSON.stringify(files.map((file) => storedIn(file, name)));
    const group = groups.get(stored);
    if (group) group.push(name);
    else groups.set(stored, [name]);
  }
  return {
    tensors,
    kinds,
    tied: [...groups.values()].filter(({ length }) => length > 1),
    notes: [
      ...notesOfSharedFiles(first, others[0]),
      ...files.flatMap((file) => notesOfDropped(file.path, droppedIn(held.get(file)!))),
      ...notesOfTransposed(transposed),
    ],
    placeIn,
  };
}
