// Claims: what must be seen in a figure, as data in its recipe, held against the stored results: holds, does not hold, or undecided where the interval
// covers both. Where a cell exists on both bases the mean counts, as it is drawn: on one base alone the barrier also holds how far that end is from the mean of
// both, which clients of unlike data make large.
import type { Measurement } from "../connectivity/index.ts";
import type { Measured } from "../report/index.ts";
import type { Claim } from "./recipe.ts";

export interface ClaimVerdict {
  readonly says: string;
  readonly verdict: "holds" | "does not hold" | "undecided";
  /** The numbers at the point that decided. */
  readonly numbers: string;
}

interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

type Cell = Measurement["cells"][number];

export function judgeClaims(claims: readonly Claim[], measurements: readonly Measured[]): ClaimVerdict[] {
  return claims.map((claim) => judge(claim, measurements));
}

function judge(claim: Claim, measurements: readonly Measured[]): ClaimVerdict {
  const points = measurements.filter((m) => m.split === claim.split).sort((x, y) => x.epoch - y.epoch);
  const chosen = claim.at === "last" ? points.slice(-1) : points.filter(({ epoch }) => epoch > 0);
  const judged = chosen.map((point) => judgeAt(claim, point));
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

function judgeAt(claim: Claim, { epoch, document }: Measured): ClaimVerdict {
  const { says, metric, below, above, of } = claim; // one of below and above is there
  const estimate = estimateOf(claim, document);
  const full = of && estimateOf({ ...claim, take: "full" }, document);
  if (!estimate || (of && !full))
    return { says, verdict: "undecided", numbers: `not measured or not finite at ${epoch}` };
  if (full && full.low <= 0)
    return { says, verdict: "undecided", numbers: `no clear full barrier to take a share of at ${epoch}` };
  const unit = full ? full.value : 1;
  const limit = (below ?? above ?? 0) * unit;
  const [sure, wrong] =
    below !== undefined
      ? [estimate.high <= limit, estimate.low > limit]
      : [estimate.low >= limit, estimate.high < limit];
  const number = (x: number) => x.toFixed(metric === "loss" ? 3 : 1);
  return {
    says,
    verdict: sure ? "holds" : wrong ? "does not hold" : "undecided",
    numbers: `${number(estimate.value)} [${number(estimate.low)}, ${number(estimate.high)}] against ${number(limit)} at ${epoch}`,
  };
}

function estimateOf({ take, metric }: Claim, document: Measurement): Estimate | undefined {
  const scan = (name: string) => document.cells.filter((cell) => cell.scan === name && cell.alpha === 0.5);
  const cell = (one: Cell): Estimate | undefined => {
    const [value, interval] =
      metric === "loss" ? [one.loss_barrier, one.loss_interval] : [one.error_barrier, one.error_interval];
    return value === null || !interval ? undefined : { value, low: interval[0], high: interval[1] };
  };
  /** Estimates of some cells, ascending, each the mean over its bases; undefined when one is not finite. */
  const sorted = (cells: readonly Cell[]) => {
    const groups = new Map<string, Estimate[]>();
    for (const one of cells) {
      const estimate = cell(one);
      if (!estimate) return undefined;
      const key = String(one.averaged);
      groups.set(key, [...(groups.get(key) ?? []), estimate]);
    }
    if (groups.size === 0) return undefined;
    return [...groups.values()].map(meanEstimate).sort((x, y) => x.value - y.value);
  };
  /** The cumulation after a share of the layers. */
  const along = (name: string, share: number) => {
    const count = Math.max(1, Math.floor(share * document.layers.length));
    return sorted(scan(name).filter(({ averaged }) => averaged.length === count))?.at(-1);
  };
  const last = document.layers.at(-1)!.name;
  switch (take) {
    case "full":
      return sorted(scan("full"))?.[0];
    case "largest single":
      return sorted(scan("single"))?.at(-1);
    case "median single": {
      const all = sorted(scan("single"));
      return all?.[Math.floor(all.length / 2)];
    }
    case "largest single but the last":
      return sorted(scan("single").filter(({ layer }) => layer !== last))?.at(-1);
    case "single of the last":
      return sorted(scan("single").filter(({ layer }) => layer === last))?.at(-1);
    case "third of shallow":
      return along("shallow", 1 / 3);
    case "third of deep":
      return along("deep", 1 / 3);
    case "half of minimal":
      return along("minimal", 1 / 2);
    case "half of random":
      return along("random", 1 / 2);
    case "distance from chance": {
      const [full] = scan("full");
      const classes = Number(document.model.classes);
      if (!full || full.error === null || !classes) return undefined;
      const value = Math.abs(full.error - 100 * (1 - 1 / classes));
      // the binomial interval of the averaged network's accuracy
      const half = 196 * Math.sqrt(((full.error / 100) * (1 - full.error / 100)) / document.data.samples);
      return { value, low: value - half, high: value + half };
    }
  }
}

/** The mean of the intervals is never too narrow for the mean. */
function meanEstimate(estimates: readonly Estimate[]): Estimate {
  const mean = (of: (one: Estimate) => number) => estimates.reduce((sum, one) => sum + of(one), 0) / estimates.length;
  return { value: mean(({ value }) => value), low: mean(({ low }) => low), high: mean(({ high }) => high) };
}
