// The distances of two files of any format, without a model. Streamed, so files may be larger than the memory.
import { type Checkpoint, chunksOf, type Keys, withCheckpoints, withKey } from "../checkpoints/index.ts";
import { sizeOf, UserError } from "../core/index.ts";
import { findFactors, type Grouping, groupLayers, type Layer } from "../models/index.ts";
import { layerDistances, type SumsOf, sumsOfPieces } from "./distance.ts";
import { graphWeights, type StoredWeights } from "./graph-weights.ts";
import { notesOfRefused, requireCounted } from "./integers.ts";
import { alignCheckpoints } from "./keys.ts";
import { averagedSums, type Kinds, kindsOfFiles, notesOfKept } from "./kinds.ts";
import type { Comparison } from "./result.ts";
import { type Summing, startSumming } from "./summing.ts";
import { collectUndefinedDistances } from "./undefined-distances.ts";

/** How two checkpoints are compared. */
export interface CompareOptions {
  readonly group?: Grouping;
  /** The checkpoint that both started from. */
  readonly init?: string;
  /** The dictionaries to use from files with several: of a, b and the initialisation. */
  readonly keys?: Keys;
}

/** Number of elements above which threads are worth starting. */
const large = 2e7;

/**
 * The Euclidean and cosine distances of two checkpoint files, per layer and in all, streamed. Throws a {@link
 * UserError} if they do not hold the same tensors.
 * @param options How layers are grouped; a common initialisation.
 * @param onProgress Called with the elements done and their total.
 * @example
 * ```ts
 * import { compareFiles } from "layerwise";
 *
 * const { distance, layers } = await compareFiles("rings-a.safetensors", "rings-b.safetensors");
 * console.log(layers.map(({ name }) => name)); // [ 'layers.0', 'layers.1', 'layers.2' ]
 * console.log(distance.full.euclidean.toFixed(2)); // 9.91
 * ```
 */
export function compareFiles(
  a: string,
  b: string,
  { group, init, keys = {} }: CompareOptions = {},
  onProgress: (done: number, total: number) => void = () => {},
): Promise<Comparison> {
  const paths = [
    { path: a, ...withKey(keys, "a") },
    { path: b, ...withKey(keys, "b") },
    ...(init ? [{ path: init, ...withKey(keys, "init") }] : []),
  ];
  return withCheckpoints(paths, async (...opened) => {
    const weights = await weightsOf(opened);
    const { tensors, tied } = weights;
    if (tensors.length === 0) throw new UserError(`${a} contains no tensors. Give a checkpoint with weights.`);
    requireCounted(weights.kinds, tensors, a, b);
    const layers = groupLayers(tensors, { group, tied });
    const found = await distancesOf(weights, layers, onProgress);
    return {
      schema: "layerwise/distance@1",
      a: { path: a },
      b: { path: b },
      ...(init ? { init: { path: init } } : {}),
      layers,
      ...found,
    };
  });
}

/** The weights of a, b and the initialisation (if given), under common names. */
export interface ComparedWeights extends StoredWeights {
  readonly files: readonly Checkpoint[];
}

/** The distances of each layer and of all together, streamed, with notes on what they leave out. */
export async function distancesOf(
  weights: ComparedWeights,
  layers: readonly Layer[],
  onProgress: (done: number, total: number) => void,
): Promise<Pick<Comparison, "distance" | "notes">> {
  const { tensors, tied, kinds, files, notes: readings } = weights;
  const [x, y, start] = files;
  const elements = tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const total = elements * (start ? 3 : 1);
  let done = 0;
  const summing = total > large ? startSumming() : undefined;
  const count = (elements: number) => {
    done += elements;
    onProgress(done, total);
  };
  const undefinedDistances = collectUndefinedDistances(layers);
  const between = async (one: Checkpoint, other: Checkpoint) => {
    const sums = averagedSums(sumsBetween(weights, one, other, summing, count), kinds);
    const collected = async (name: string) => undefinedDistances.add(name, await sums(name), one.path, other.path);
    return layerDistances(layers, collected, tied);
  };
  const compared = async () => ({
    ...(await between(x, y)),
    ...(start ? { from_init: { a: await between(start, x), b: await between(start, y) } } : {}),
  });
  const distance = await compared().finally(() => summing?.close());
  const notes = [...readings, ...undefinedDistances.notes(), ...notesOfUncounted(kinds)];
  return { distance, ...(notes.length ? { notes } : {}) };
}

/** The weights of the files: state dicts under common names, ONNX graphs matched node by node. */
async function weightsOf(files: readonly Checkpoint[]): Promise<ComparedWeights> {
  if (files.every(({ format }) => format === "onnx")) return { ...(await graphWeights(files)), files };
  const [first, second, start] = files;
  const ends = await alignCheckpoints(first, second);
  const all = start && (await alignCheckpoints(ends.a, start));
  const aligned = all ? [all.a, all.likeA(ends.b), all.b] : [ends.a, ends.b];
  const [own] = aligned;
  const tied = own.tied ?? [];
  // a tied tensor may be stored under only one of its names
  const placeIn = ({ tensors }: Checkpoint, name: string) =>
    tensors.has(name) ? name : tied.find((names) => names.includes(name))!.find((one) => tensors.has(one))!;
  const kinds = await kindsOfFiles(own, aligned[1]);
  const tensors = [...own.tensors.values()].map((t) => ({ ...t, kind: kinds.of(t.name).parameter }));
  const notes = [...new Set([...ends.notes, ...(all?.notes ?? []), ...notesOfFactors([...own.tensors.keys()])])];
  return { tensors, kinds, tied, placeIn, files: aligned, notes };
}

function notesOfFactors(names: readonly string[]): string[] {
  const found = findFactors(names);
  return found
    ? [
        `The distances of an adapter's factors (${found.join(" and ")}) are not those of the adapters, which are their products.`,
      ]
    : [];
}

/** Notes about tensors that are not averaged and so have no distance. */
const notesOfUncounted = (kinds: Kinds): string[] => [
  ...notesOfRefused(kinds),
  ...notesOfKept(
    kinds.differing.filter(({ kind }) => kind.differing === "note"),
    () => "the distances exclude them",
  ),
];

/** The sums of a tensor of two files; in threads if it is contiguous in both. */
function sumsBetween(
  { placeIn }: Pick<StoredWeights, "placeIn">,
  one: Checkpoint,
  other: Checkpoint,
  summing: Summing | undefined,
  onProgress: (elements: number) => void,
): SumsOf {
  const piecesIn = (file: Checkpoint) => (name: string) => {
    const place = placeIn(file, name);
    return typeof place === "string" ? chunksOf(file, place) : [place];
  };
  const here = sumsOfPieces(piecesIn(one), piecesIn(other), onProgress);
  return async (name) => {
    const [x, y] = [placeIn(one, name), placeIn(other, name)];
    const inThreads =
      typeof x === "string" && typeof y === "string" ? summing?.of([one, other], [x, y], onProgress) : undefined;
    return inThreads ?? here(name);
  };
}
