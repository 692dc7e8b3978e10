// The distances of two files of any format, without a model: streamed, so that files larger than the memory can be compared.
import { type Checkpoint, chunksOf } from "../checkpoints/index.ts";
import { sizeOf, UserError } from "../core/index.ts";
import { type Distances, layerDistances } from "./distance.ts";
import { compareKeys, withCheckpoints } from "./ends.ts";
import { type Grouping, groupLayers, type Layer } from "./layers.ts";

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
    const between = (one: Checkpoint, other: Checkpoint) =>
      layerDistances(
        layers,
        (name) => chunksOf(one, name),
        (name) => chunksOf(other, name),
        tied,
        (count) => {
          done += count;
          onProgress(done, total);
        },
      );
    const distance = await between(x, y);
    const fromInit = start ? { from_init: { a: await between(start, x), b: await between(start, y) } } : {};
    return {
      schema: "layerwise/distance@1",
      a: { path: a },
      b: { path: b },
      ...(init ? { init: { path: init } } : {}),
      layers,
      distance: { ...distance, ...fromInit },
    };
  });
}
