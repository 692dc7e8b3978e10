// The distances of two files of any format, without a model: streamed, so that files larger than the memory can be compared.
import { type Checkpoint, chunksOf } from "../checkpoints/index.ts";
import { listSome, sizeOf, UserError } from "../core/index.ts";
import { type Distances, layerDistances, sumsOfPieces } from "./distance.ts";
import { compareKeys, withCheckpoints } from "./ends.ts";
import { graphWeights } from "./graphs.ts";
import { type Grouping, groupLayers, type Layer } from "./layers.ts";
import { startSumming } from "./summing.ts";

export interface Comparison {
  readonly schema: "layerwise/distance@1";
  readonly a: { readonly path: string };
  readonly b: { readonly path: string };
  readonly init?: { readonly path: string };
  readonly layers: readonly Layer[];
  readonly distance: Distances & { from_init?: { a: Distances; b: Distances } };
  /** What the distances do not tell, as sentences. */
  readonly notes?: readonly string[];
}

export interface CompareOptions {
  readonly group?: Grouping;
  /** The initialisation that both come from. */
  readonly init?: string;
}

/** Elements from which on threads for the sums pay. */
const large = 2e7;

/** `onProgress` hears how many of all elements are done. */
export function compareFiles(
  a: string,
  b: string,
  { group, init }: CompareOptions = {},
  onProgress: (done: number, total: number) => void = () => {},
): Promise<Comparison> {
  return withCheckpoints([a, b, ...(init ? [init] : [])], async (x, y, start) => {
    const { tensors, tied, nameIn } = await weightsOf([x, y, ...(start ? [start] : [])]);
    if (tensors.length === 0) throw new UserError(`${a} holds no tensors. Give a checkpoint with weights.`);
    const layers = groupLayers(tensors, { group, tied });
    const elements = tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    const total = elements * (start ? 3 : 1);
    let done = 0;
    const whole = new Set<string>(); // tensors of whole numbers that differ, counters left out
    const summing = total > large ? startSumming() : undefined;
    const count = (elements: number) => {
      done += elements;
      onProgress(done, total);
    };
    const between = (one: Checkpoint, other: Checkpoint) => {
      const here = sumsOfPieces(
        (name) => chunksOf(one, nameIn(one, name)),
        (name) => chunksOf(other, nameIn(other, name)),
        count,
      );
      const sums = async (name: string) => {
        const inThreads = summing?.of([one, other], [nameIn(one, name), nameIn(other, name)], count);
        const found = await (inThreads ?? here(name));
        if (found.whole > 0 && sizeOf(one.tensors.get(nameIn(one, name))!.shape) > 1) whole.add(name);
        return found;
      };
      return layerDistances(layers, sums, tied);
    };
    const compared = async () => ({
      ...(await between(x, y)),
      ...(start ? { from_init: { a: await between(start, x), b: await between(start, y) } } : {}),
    });
    const distance = await compared().finally(() => summing?.close());
    return {
      schema: "layerwise/distance@1",
      a: { path: a },
      b: { path: b },
      ...(init ? { init: { path: init } } : {}),
      layers,
      distance,
      ...(whole.size
        ? { notes: [`Whole-number tensors differ and are not counted: ${listSome(whole, 3)}. Are they quantised?`] }
        : {}),
    };
  });
}

/** What the files hold, and the name of each tensor in every file: state dicts have the same names, ONNX graphs the same places. */
async function weightsOf(files: readonly Checkpoint[]): ReturnType<typeof graphWeights> {
  if (files.every(({ format }) => format === "onnx")) return graphWeights(files);
  const [first, ...others] = files;
  for (const other of others) compareKeys(first, other);
  return { tensors: [...first.tensors.values()], tied: first.tied ?? [], nameIn: (_, name) => name };
}
