// Opens a pair for a sweep, and finds whether the samples of a batch affect each other, as with statistics of the
// batch. Results then depend on the batches, so none may be filled up, and the user should know.
import { UserError } from "../core/index.ts";
import type { Dataset } from "../data/index.ts";
import { openPair, type Pair, type PairRequest } from "../pairs/index.ts";
import { mixOfEnd } from "./mixes.ts";
import { Sweep, type SweepOptions } from "./sweep.ts";

type Memory = Pick<SweepOptions, "memory">;

/** Opens both ends and the samples. Throws {@link UserError} if they do not fit. */
export async function openForSweep(request: PairRequest & Memory): Promise<Pair> {
  const pair = await openPair(request);
  try {
    const areIndependent = pair.areIndependent ?? (await areSamplesIndependent(pair, request));
    return areIndependent ? pair : { ...pair, areIndependent, notes: [...pair.notes, dependenceNote] };
  } catch (error) {
    await pair.close();
    throw error;
  }
}

const dependenceNote = "The samples of a batch affect each other's scores, so results depend on --batch.";

/** Rounding, relative to a loss of at least 1. Both batches have the same size, so both losses are rounded alike. */
const tolerance = 1e-5;

/** Compares the loss of one sample among others and among copies of itself, with the weights of a. */
async function areSamplesIndependent(
  pair: Pair,
  { runtime, memory }: Memory & Pick<PairRequest, "runtime">,
): Promise<boolean> {
  const { data, batch, layers } = pair;
  if (batch === 1 || data.count === 1) return true;
  const first = Math.max(0, data.weights?.findIndex((weight) => weight > 0) ?? 0); // one with a label
  const among = Array.from({ length: batch }, (_, i) => Math.min(first + i, data.count - 1));
  const copies = among.map(() => first);
  const end = mixOfEnd("a", layers);
  const sweep = new Sweep(
    { ...pair, areIndependent: true, data: choose(data, [...among, ...copies]) },
    { runtime, memory },
  );
  try {
    const { loss } = (await sweep.score([end])).of(end);
    const [x, y] = [loss[0], loss[batch]];
    return Object.is(x, y) || Math.abs(x - y) <= tolerance * Math.max(1, Math.abs(x));
  } catch (error) {
    if (error instanceof UserError) return true; // a fault of the network, which the sweep reports, or of the copies
    throw error;
  }
}

/** The samples of a data set at `indices`, in that order. */
const choose = (data: Dataset, indices: readonly number[]): Dataset => ({
  ...data,
  count: indices.length,
  weights: data.weights && Float32Array.from(indices, (i) => data.weights![i]),
  batch: (places, options) =>
    data.batch(
      Array.from(places, (place) => indices[place]),
      options,
    ),
});
