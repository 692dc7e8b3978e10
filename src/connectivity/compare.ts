// The distances of two files of any format, without a model: streamed, so that files larger than the memory can be compared.
import { type Checkpoint, chunksOf } from "../checkpoints/index.ts";
import { sizeOf, UserError } from "../core/index.ts";
import { type Distances, layerDistances, sumsOfPieces } from "./distance.ts";
import { compareKeys, withCheckpoints } from "./ends.ts";
import { type Grouping, groupLayers, type Layer } from "./layers.ts";
import { startSumming } from "./summing.ts";

export interface Comparison {
  readonly schema: "layerwise/distance@1";
  readonly a: { readonly path: string };
  readonly b: { readonly path: string };
  readonly init?: { readonly path: string };
  readonly layers: readonly Layer[];
  readonly distance: Distances & { from_init?: { a: Distances; b: Distances } };
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
    compareKeys(x, y);
    if (start) compareKeys(x, start);
    if (x.tensors.size === 0) throw new UserError(`${a} holds no tensors. Give a checkpoint with weights.`);
    const tied = x.tied ?? [];
    const layers = groupLayers(x.tensors.values(), { group, tied });
    const elements = [...x.tensors.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    const total = elements * (start ? 3 : 1);
    let done = 0;
    const summing = total > large ? startSumming() : undefined;
    const count = (elements: number) => {
      done += elements;
      onProgress(done, total);
    };
    const between = (one: Checkpoint, other: Checkpoint) => {
      const here = sumsOfPieces(
        (name) => chunksOf(one, name),
        (name) => chunksOf(other, name),
        count,
      );
      return layerDistances(layers, (name) => summing?.of(one, other, name, count) ?? here(name), tied);
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
    };
  });
}
