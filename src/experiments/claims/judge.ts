// Checks claims against stored results: a claim holds, does not hold, or is undecided if the interval includes the
// limit. For cells on both bases, the mean counts, as it is drawn: on one base, a barrier also contains the distance of
// that end from the mean of both ends, which is large for clients with different data. All mixes are measured on the
// same samples, so a quantity and its limit (a multiple of the full barrier) are compared sample by sample: the
// interval is that of their difference, placed around the limit.
import { type Cell, intervalOf, mean } from "../../connectivity/index.ts";
import type { Measured } from "../../report/index.ts";
import type { Scores } from "../../sweep/index.ts";
import type { Claim } from "../recipe/index.ts";
import { meanBarriers, quantities, valuesOf } from "./quantities.ts";

/** A claim of a recipe, and whether the results bear it out. */
export interface ClaimVerdict {
  readonly says: string;
  readonly verdict: "holds" | "does not hold" | "undecided";
  /** The numbers at the point that decided. */
  readonly numbers: string;
}

/** The scores of all samples at a point, one table for each pair. */
export type SamplesAt = (point: Measured) => Promise<readonly Scores[]>;

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
  const verdict = (claim.at === "some" ? worstFirst.toReversed() : worstFirst).find((v) =>
    judged.some((j) => j.verdict === v),
  );
  const decides = (one: ClaimVerdict) => one.verdict === verdict;
  return (
    (claim.at === "some" ? judged.find(decides) : judged.findLast(decides)) ?? {
      says: claim.says,
      verdict: "undecided",
      numbers: "nothing was measured",
    }
  );
}

const worstFirst = ["does not hold", "undecided", "holds"] as const;

/** A claim about the largest of several layers is judged for each layer: all must be below a limit, or one above. */
function judgeAt(claim: Claim, point: Measured, pairs: readonly Scores[]): ClaimVerdict {
  const { says, metric, of } = claim;
  const { epoch, document } = point;
  const undecided = (why: string): ClaimVerdict => ({ says, verdict: "undecided", numbers: `${why} at ${epoch}` });
  const groups = quantities[claim.take].cells(document, metric);
  const [full] = of ? quantities.full.cells(document, metric) : [];
  if (groups.length === 0 || (of && !full)) return undecided("not measured");
  if (full?.some((cell) => (cell[metric]?.interval?.[0] ?? 0) <= 0))
    return undecided("no clear full barrier to take a share of");
  const judged = groups.map((group) => judgeGroup(claim, point, group, full, pairs)).sort((x, y) => y.value - x.value);
  const order = claim.below === undefined ? worstFirst.toReversed() : worstFirst;
  const { verdict, numbers } = judged.toSorted((x, y) => order.indexOf(x.verdict) - order.indexOf(y.verdict))[0];
  return { says, verdict, numbers };
}

function judgeGroup(
  { take, metric, below, above }: Claim, // one of below and above is there
  { epoch, document }: Measured,
  cells: readonly Cell[],
  full: readonly Cell[] | undefined,
  pairs: readonly Scores[],
): Pick<ClaimVerdict, "verdict" | "numbers"> & { value: number } {
  if (cells.some((cell) => (cell[metric]?.barrier ?? null) === null)) {
    const verdict = below === undefined ? "undecided" : "does not hold";
    return { verdict, numbers: `not finite at ${epoch}`, value: Number.POSITIVE_INFINITY };
  }
  const unit = metric === "loss" ? 1 : 100; // of the samples' scores, which are nats and 0 or 1
  const bound = below ?? above!;
  const compared = pairs.map((scores) => {
    const scored = { document, scores };
    const values = valuesOf(take, cells, scored, metric);
    const limits = full
      ? meanBarriers(full, scored, metric).map((barrier) => bound * barrier)
      : values.map(() => bound / unit);
    const differences = values.map((value, i) => value - limits[i]);
    const interval = intervalOf(scores, metric, differences);
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
    verdict: isSure ? "holds" : isWrong ? "does not hold" : "undecided",
    numbers: `${number(value)} [${number(limit + low)}, ${number(limit + high)}] against ${number(limit)} at ${epoch}`,
    value,
  };
}
