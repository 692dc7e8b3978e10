// Combines several pairs of a recipe into one record. Values are means over the pairs. An interval spans the intervals
// of all pairs, so it covers both the uncertainty over samples and the spread over seeds.
import {
  type Cell,
  decide,
  divideFullBarrier,
  type Measurement,
  perplexityOf,
  type Scored,
} from "../../connectivity/index.ts";
import type { Measured } from "../../report/index.ts";

/** Combines the measurements of pairs that have the same points and cells. */
export function combinePairs(pairs: readonly (readonly Measured[])[]): Measured[] {
  const [first, ...others] = pairs;
  if (others.length === 0) return [...first];
  return first.flatMap((point) => {
    const same = others.map((points) => points.find((p) => p.epoch === point.epoch && p.split === point.split));
    if (same.some((p) => !p)) return [];
    return [{ ...point, document: combine([point.document, ...same.map((p) => p!.document)]) }];
  });
}

function combine(documents: readonly Measurement[]): Measurement {
  const [first] = documents;
  const cells = first.cells.flatMap((cell): Cell[] => {
    const same = documents.flatMap(({ cells }) => cells.find((other) => isSame(cell, other)) ?? []);
    if (same.length < documents.length) return []; // only some pairs have this scan or base
    const loss = combineScored(same.map((c) => c.loss));
    const error = combineScored(same.map((c) => c.error));
    return [{ ...cell, loss, error, ...perplexity(cell, loss?.value) }];
  });
  const scores = (end: "a" | "b") => {
    const loss = mean(documents.map(({ ends }) => ends[end].loss));
    const error = mean(documents.map(({ ends }) => ends[end].error));
    return { loss, error, ...perplexity(first.ends[end], loss) };
  };
  const { from_init: start } = first.distance;
  const distance = {
    ...meanDistances(documents.map((d) => d.distance)),
    ...(start
      ? {
          from_init: {
            a: meanDistances(documents.map((d) => d.distance.from_init!.a)),
            b: meanDistances(documents.map((d) => d.distance.from_init!.b)),
          },
        }
      : {}),
  };
  return {
    ...first,
    cells,
    ends: { a: scores("a"), b: scores("b") },
    distance,
    ...divideFullBarrier(cells, first.layers),
    verdict: decide(cells),
  };
}

/** The perplexity of the mean loss, if pairs have one. */
const perplexity = (one: Pick<Cell, "perplexity">, loss: number | null = null): Pick<Cell, "perplexity"> =>
  one.perplexity === undefined ? {} : { perplexity: perplexityOf(loss) };

/** Undefined if a pair lacks the metric. */
function combineScored(all: readonly (Scored | undefined)[]): Scored | undefined {
  const known = all.filter((one) => one !== undefined);
  if (known.length < all.length) return undefined;
  return {
    value: mean(known.map(({ value }) => value)),
    barrier: mean(known.map(({ barrier }) => barrier)),
    interval: hull(known.map(({ interval }) => interval)),
  };
}

type Distances = Pick<Measurement["distance"], "full" | "layers">;

function meanDistances(all: readonly Distances[]): Distances {
  const meanOf = (some: readonly Distances["full"][]) => ({
    euclidean: mean(some.map(({ euclidean }) => euclidean)),
    cosine: mean(some.map(({ cosine }) => cosine)),
  });
  const names = Object.keys(all[0].layers);
  return {
    full: meanOf(all.map(({ full }) => full)),
    layers: Object.fromEntries(names.map((name) => [name, meanOf(all.map(({ layers }) => layers[name]))])),
  };
}

const isSame = (x: Cell, y: Cell) =>
  x.scan === y.scan && x.base === y.base && x.alpha === y.alpha && String(x.averaged) === String(y.averaged);

/** Null if a value is not finite. */
function mean(values: readonly (number | null)[]): number | null {
  let sum = 0;
  for (const value of values) {
    if (value === null) return null;
    sum += value;
  }
  return sum / values.length;
}

function hull(intervals: readonly Scored["interval"][]): Scored["interval"] {
  const known = intervals.filter((interval) => interval !== null);
  if (known.length < intervals.length) return null;
  return [Math.min(...known.map(([low]) => low)), Math.max(...known.map(([, high]) => high))];
}
