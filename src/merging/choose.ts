// Choosing layers under a budget: as many parameters as possible whose joint barrier stays within it. There are
// 2^layers sets, so this is a heuristic: sort the layers by their single-layer barrier per parameter, take the longest
// prefix of that order that fits, then keep adding the largest single layer that still fits. Every accepted set was
// evaluated as a whole. If no set fits, nothing is averaged and the barrier is that of the base, which may itself
// exceed the limit if the base is much worse than the other end.
import { summarise } from "../connectivity/index.ts";
import { UserError } from "../core/index.ts";
import type { Layer } from "../models/index.ts";
import { mixOf, mixOfEnd, Scores, type Sweep } from "../sweep/index.ts";

export interface Budget {
  /** The largest joint barrier, in nats (loss) or points (error). */
  readonly limit: number;
  readonly metric: "loss" | "error";
  readonly base: "a" | "b";
  readonly alpha: number;
}

/** A set of layers that was evaluated. */
export interface Tried {
  readonly layers: readonly string[];
  readonly barrier: number | null;
  readonly interval: readonly [number, number] | null;
}

export interface Choice extends Tried {
  readonly parameters: number;
  readonly of: number;
  /** Number of sets that were evaluated. */
  readonly evaluated: number;
  /** Single-layer barriers. */
  readonly singles: Readonly<Record<string, number | null>>;
}

export async function chooseLayers(
  sweep: Sweep,
  candidates: readonly Layer[],
  { limit, metric, base, alpha }: Budget,
  onProgress: (round: string, fraction: number) => void = () => {},
): Promise<Choice> {
  const { layers: all } = sweep.pair;
  const names = all.map((layer) => layer.name);
  const ends = [mixOfEnd("a", all), mixOfEnd("b", all)];
  let scores = new Scores(new Map());
  let evaluated = 0;

  const evaluate = async (round: string, sets: readonly (readonly string[])[]): Promise<Tried[]> => {
    const mixes = sets.map((averaged) => mixOf(names, { averaged, base, alpha }));
    const fresh = [...ends, ...mixes].filter((mix) => !scores.has(mix));
    evaluated += sets.length;
    if (fresh.length) {
      const progress = ({ done, total }: { done: number; total: number }) => onProgress(round, done / total);
      scores = scores.with(await sweep.score(fresh, { progress }));
    }
    if (metric === "error" && scores.of(ends[0]).error.every(Number.isNaN))
      throw new UserError("The labels of these samples are real values, so there is no error. Use --metric loss.");
    return sets.map((layers, i) => {
      const { barrier, interval } = summarise(scores, mixes[i], alpha)[metric];
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
  const prefixes = await evaluate(
    "together",
    order.map((_, i) => order.slice(0, i + 1)),
  );
  const [nothing] = await evaluate("nothing", [[]]);
  let best = prefixes.filter(fits).at(-1) ?? nothing;
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
