// Choosing layers under a budget: the most parameters whose joint barrier stays within it. Which set is best is a question of 2^layers; this is a
// heuristic and says so: layers in the order of their own barrier per parameter, the longest beginning of that order that fits, then whatever
// single layer still fits, largest first, until none does. Every set that is accepted was evaluated as a whole. Where none fits, nothing is averaged,
// and the barrier is that of the base itself, which is over the limit where it is so much worse than the other end.
import {
  emptyScores,
  evaluateMixes,
  type Layer,
  type Mix,
  mixKey,
  mixOf,
  orderMixes,
  type Prepared,
  recalibrate,
  type SampleScores,
  summarise,
} from "../connectivity/index.ts";
import { UserError } from "../core/index.ts";
import type { RuntimeOptions } from "../runtime/index.ts";

export interface Budget {
  /** The largest joint barrier, in nats (loss) or points (error). */
  readonly limit: number;
  readonly metric: "loss" | "error";
  readonly base: "a" | "b";
  readonly alpha: number;
}

export interface Tried {
  readonly layers: readonly string[];
  readonly barrier: number | null;
  readonly interval: readonly [number, number] | null;
}

export interface Choice extends Tried {
  readonly parameters: number;
  readonly of: number;
  /** Sets that were evaluated. */
  readonly evaluated: number;
  /** Each layer's own barrier. */
  readonly singles: Readonly<Record<string, number | null>>;
}

export async function chooseLayers(
  { pair, data, batch }: Prepared,
  candidates: readonly Layer[],
  { limit, metric, base, alpha }: Budget,
  runtime?: RuntimeOptions,
  onProgress: (round: string, share: number) => void = () => {},
): Promise<Choice> {
  const names = pair.layers.map((layer) => layer.name);
  const ends = (["a", "b"] as const).map((end) => mixOf({ averaged: [], base: end }, alpha, names));
  const stored = new Map<string, SampleScores>();
  let evaluated = 0;

  const evaluate = async (round: string, sets: readonly (readonly string[])[]): Promise<Tried[]> => {
    const mixes = sets.map((averaged) => mixOf({ averaged, base }, alpha, names));
    const fresh = orderMixes([...ends, ...mixes].filter((mix) => !stored.has(mixKey(mix))));
    for (const mix of fresh) stored.set(mixKey(mix), emptyScores(data));
    evaluated += sets.length;
    if (fresh.length) {
      const recalibrated =
        pair.statistics === "recalibrate" ? await recalibrate(pair, fresh, data, runtime) : undefined;
      await evaluateMixes(fresh, [0, data.count], stored, { pair, data, batch, runtime, recalibrated }, (share) =>
        onProgress(round, share),
      );
    }
    const of = (mix: Mix) => stored.get(mixKey(mix))!;
    if (metric === "error" && of(ends[0]).error.every(Number.isNaN))
      throw new UserError("The labels of these samples are values, so there is no error. Give --metric loss.");
    return sets.map((layers, i) => {
      const { barrier, interval } = summarise(of(mixes[i]), of(ends[0]), of(ends[1]), alpha)[metric];
      return { layers, barrier, interval };
    });
  };
  const fits = ({ barrier }: Tried) => barrier !== null && barrier <= limit;
  const sizes = new Map(candidates.map(({ name, size }) => [name, size]));
  const sizeOf = (layers: readonly string[]) => layers.reduce((sum, name) => sum + sizes.get(name)!, 0);

  const alone = await evaluate(
    "single layers",
    candidates.map(({ name }) => [name]),
  );
  const density = ({ layers, barrier }: Tried) =>
    barrier === null ? Number.POSITIVE_INFINITY : barrier / Math.max(1, sizeOf(layers));
  const order = [...alone].sort((x, y) => density(x) - density(y)).map(({ layers: [name] }) => name);
  const beginnings = await evaluate(
    "together",
    order.map((_, i) => order.slice(0, i + 1)),
  );
  const [nothing] = await evaluate("nothing", [[]]);
  let best = beginnings.filter(fits).at(-1) ?? nothing;
  for (;;) {
    const left = order.filter((name) => !best.layers.includes(name));
    const more = (
      await evaluate(
        `${best.layers.length} layers and one more`,
        left.map((name) => [...best.layers, name]),
      )
    ).filter(fits);
    if (more.length === 0) break;
    best = more.reduce((x, y) => (sizeOf(y.layers) > sizeOf(x.layers) ? y : x));
  }
  return {
    ...best,
    layers: candidates.map(({ name }) => name).filter((name) => best.layers.includes(name)),
    parameters: sizeOf(best.layers),
    of: sizeOf(candidates.map(({ name }) => name)),
    evaluated,
    singles: Object.fromEntries(alone.map(({ layers: [name], barrier }) => [name, barrier])),
  };
}
