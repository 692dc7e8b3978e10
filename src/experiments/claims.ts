// Claims: what must be seen in a figure, as data in its recipe, held against the stored results: holds, does not hold, or undecided where the interval
// covers both. Where a cell exists on both bases the mean counts, as it is drawn: on one base alone the barrier also holds how far that end is from the mean of
// both, which clients of unlike data make large. Every mix was measured on the same samples, so the quantity and its limit (a share of the full barrier) are
// compared sample by sample: the interval is that of their difference, laid around the limit.
import {
  barriers,
  errorInterval,
  type Measurement,
  mean,
  meanInterval,
  mixKey,
  mixOf,
  type SampleTable,
} from "../connectivity/index.ts";
import type { Measured } from "../report/index.ts";
import { cellsOf } from "./quantities.ts";
import type { Claim } from "./recipe.ts";

type Cell = Measurement["cells"][number];

export interface ClaimVerdict {
  readonly says: string;
  readonly verdict: "holds" | "does not hold" | "undecided";
  /** The numbers at the point that decided. */
  readonly numbers: string;
}

/** Every sample's scores at a point, one table for each pair. */
export type SamplesAt = (point: Measured) => Promise<readonly SampleTable[]>;

export async function judgeClaims(
  claims: readonly Claim[],
  measurements: readonly Measured[],
  samplesAt: SamplesAt,
): Promise<ClaimVerdict[]> {
  const verdicts: ClaimVerdict[] = [];
  for (const claim of claims) verdicts.push(await judge(claim, measurements, samplesAt));
  return verdicts;
}

async function judge(claim: Claim, measurements: readonly Measured[], samplesAt: SamplesAt): Promise<ClaimVerdict> {
  const points = measurements.filter((m) => m.split === claim.split).sort((x, y) => x.epoch - y.epoch);
  const chosen = claim.at === "last" ? points.slice(-1) : points.filter(({ epoch }) => epoch > 0);
  const judged: ClaimVerdict[] = [];
  for (const point of chosen) judged.push(judgeAt(claim, point, await samplesAt(point)));
  // at each point the worst verdict counts, at some point the best
  const order = ["does not hold", "undecided", "holds"] as const;
  const verdict = (claim.at === "some" ? order.toReversed() : order).find((v) => judged.some((j) => j.verdict === v));
  const decides = (one: ClaimVerdict) => one.verdict === verdict;
  return (
    (claim.at === "some" ? judged.find(decides) : judged.findLast(decides)) ?? {
      says: claim.says,
      verdict: "undecided",
      numbers: "nothing was measured",
    }
  );
}

function judgeAt(claim: Claim, { epoch, document }: Measured, pairs: readonly SampleTable[]): ClaimVerdict {
  const { says, take, metric, below, above, of } = claim; // one of below and above is there
  const undecided = (why: string): ClaimVerdict => ({ says, verdict: "undecided", numbers: `${why} at ${epoch}` });
  const cells = cellsOf(claim, document);
  const full = of && cellsOf({ take: "full", metric }, document);
  if (!cells || (of && !full)) return undecided("not measured or not finite");
  if (full?.some((cell) => (cell[`${metric}_interval`]?.[0] ?? 0) <= 0))
    return undecided("no clear full barrier to take a share of");
  const unit = metric === "loss" ? 1 : 100; // of the samples' scores, which are nats and 0 or 1
  const bound = below ?? above!;
  const layers = document.layers.map(({ name }) => name);
  const compared = pairs.map((table) => {
    const barriersOf = (some: readonly Cell[]) => meanBarriers(some, layers, table, metric);
    const values = take === "distance from chance" ? distancesFromChance(cells, document, table) : barriersOf(cells);
    const limits = full ? barriersOf(full).map((barrier) => bound * barrier) : values.map(() => bound / unit);
    const interval = (metric === "loss" ? meanInterval : errorInterval)(values.map((value, i) => value - limits[i]));
    return { value: mean(values), limit: mean(limits), low: interval?.[0], high: interval?.[1] };
  });
  const over = (key: "value" | "limit" | "low" | "high") => compared.map((one) => unit * (one[key] ?? Number.NaN));
  const [value, limit, low, high] = [
    mean(over("value")),
    mean(over("limit")),
    Math.min(...over("low")),
    Math.max(...over("high")),
  ];
  const [isSure, isWrong] = below === undefined ? [low >= 0, high < 0] : [high <= 0, low > 0];
  const number = (x: number) => x.toFixed(metric === "loss" ? 3 : 1);
  return {
    says,
    verdict: isSure ? "holds" : isWrong ? "does not hold" : "undecided",
    numbers: `${number(value)} [${number(limit + low)}, ${number(limit + high)}] against ${number(limit)} at ${epoch}`,
  };
}

/** The barrier of every sample, the mean over cells that differ in their base. */
function meanBarriers(
  cells: readonly Cell[],
  layers: readonly string[],
  table: SampleTable,
  metric: Claim["metric"],
): Float64Array {
  const scores = (sources: readonly string[]) => table.get(mixKey({ sources }))![metric];
  const [a, b] = ["a", "b"].map((end) => scores(layers.map(() => end)));
  const sum = new Float64Array(a.length);
  for (const cell of cells) {
    const each = barriers(scores(mixOf(cell, cell.alpha, layers).sources), a, b, cell.alpha);
    for (let i = 0; i < sum.length; i++) sum[i] += each[i] / cells.length;
  }
  return sum;
}

/** How much better or worse than chance every sample is predicted, with the sign that makes the mean positive. */
function distancesFromChance(
  [full]: readonly Cell[],
  { model, layers }: Measurement,
  table: SampleTable,
): Float64Array {
  const names = layers.map(({ name }) => name);
  const chance = 1 - 1 / Number(model.classes);
  const distances = Float64Array.from(table.get(mixKey(mixOf(full, full.alpha, names)))!.error, (x) => x - chance);
  return mean(distances) < 0 ? distances.map((x) => -x) : distances;
}
