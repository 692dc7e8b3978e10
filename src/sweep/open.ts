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
    const areIndependent = pair.areIndependent ?? (await tryBatch(pair, request));
    if (areIndependent) return pair;
    const notes = pair.dependenceNote ? [...pair.notes, pair.dependenceNote] : [...pair.notes];
    if (areIndependent === false) notes.push(dependenceNote);
    return { ...pair, areIndependent, notes };
  } catch (error) {
    await pair.close();
    throw error;
  }
}

const dependenceNote = "The samples of a batch affect each other's scores, so results depend on --batch.";

/** Rounding, relative to a loss of at least 1. Both batches have the same size, so both losses are rounded alike. */
const tolerance = 1e-5;

/**
 * Whether the samples are independent; undefined where that cannot be tried. Throws {@link UserError} if they are not,
 * but would be along another free axis: the first is then probably time.
 */
async function tryBatch(pair: Pair, request: PairRequest & Memory): Promise<boolean | undefined> {
  const { otherAxes, a, dependenceNote } = pair;
  const isAlone = pair.batch === 1 && (otherAxes.length > 0 || dependenceNote !== undefined);
  const tried = isAlone ? { ...pair, ...(await pair.fitBatch(2).catch(unlessFault)) } : pair;
  const areIndependent = await areSamplesIndependent(tried, request);
  if (areIndependent !== false) return areIndependent;
  for (const { input, axis, fitAlong } of otherAxes)
    if (await fitAlong(tried.batch).then((other) => areSamplesIndependent({ ...pair, ...other }, request), unlessFault))
      throw new UserError(
        `${input} of ${a.path} has the free axes 0 and ${axis}, and neither is named as the batch. Along axis 0, samples affect each other, as time steps do; along axis ${axis}, they do not, so axis ${axis} is probably the batch. Export the graph with only its batch axis free.`,
      );
  return pair.batch === 1 && dependenceNote === undefined; // alone, samples affect no others
}

/** Undefined for a fault of the network or of the samples, which the sweep reports. */
function unlessFault(error: unknown): undefined {
  if (!(error instanceof UserError)) throw error;
}

/**
 * Compares the losses of one sample among others and among copies of itself, with the weights of a, as the first and
 * the last of a batch: in a sequence, others may affect only one of the two. Undefined where that cannot be tried.
 */
async function areSamplesIndependent(
  pair: Pair,
  { runtime, memory }: Memory & Pick<PairRequest, "runtime">,
): Promise<boolean | undefined> {
  const { data, batch, layers } = pair;
  if (batch === 1 || data.count === 1) return undefined;
  const first = Math.max(0, data.weights?.findIndex((weight) => weight > 0) ?? 0); // one with a label
  const places = batch === 2 ? [1] : [0, batch - 1];
  const among = Array.from({ length: batch }, (_, i) => (places.includes(i) ? first : (first + i + 1) % data.count));
  const copies = among.map(() => first);
  const end = mixOfEnd("a", layers);
  const sweep = new Sweep(
    { ...pair, areIndependent: true, data: choose(data, [...among, ...copies]) },
    { runtime, memory },
  );
  try {
    const { loss } = (await sweep.score([end])).of(end);
    return places.every((place) => {
      const [x, y] = [loss[place], loss[batch + place]];
      return Object.is(x, y) || Math.abs(x - y) <= tolerance * Math.max(1, Math.abs(x));
    });
  } catch (error) {
    return unlessFault(error);
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
