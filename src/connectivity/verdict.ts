// The verdict: which layers may be averaged, by the intervals of their single-layer loss barriers and a tolerance.
import { plain, signed } from "../core/index.ts";
import type { Cell } from "./cell.ts";

export interface Verdict {
  readonly average: string[];
  readonly keep: string[];
  /** The interval contains the tolerance. */
  readonly undecided: string[];
  /** The largest accepted loss barrier, in nats. */
  readonly tolerance: number;
  /** The alpha that was judged: 0.5, or the nearest measured alpha. */
  readonly alpha: number;
  readonly reason: string;
}

export interface DecideOptions {
  /** Largest accepted loss barrier, in nats; default 0.05, or a tenth of the full barrier if that is larger. */
  readonly tolerance?: number;
  /** Whether each layer has its own alpha; else one alpha is judged. */
  readonly haveOwnAlphas?: boolean;
  /** How much the losses of the two ends differ, in nats. Half of it is in every barrier on one base. */
  readonly gap?: number;
}

/** The judged part of a cell: its loss. A cell without one is judged as if its loss were not finite. */
export type JudgedCell = Pick<Cell, "scan" | "layer" | "alpha" | "loss">;

/** In nats. */
const leastTolerance = 0.05;

/** The default tolerance: 0.05 nats, or a tenth of the full barrier if that is larger. */
const defaultTolerance = (full: number | null | undefined) => Math.max(leastTolerance, (full ?? 0) / 10);

const chooseAlpha = (cells: readonly JudgedCell[]): number =>
  cells.reduce(
    (best, { alpha }) => (Math.abs(alpha - 0.5) < Math.abs(best - 0.5) ? alpha : best),
    cells[0]?.alpha ?? 0.5,
  );

/**
 * Judges each layer by its `single` cells at one alpha, or each layer at its own: average when the interval on every
 * base is below the tolerance, keep when the interval on any base is above it.
 */
export function decide(
  cells: readonly JudgedCell[],
  { tolerance, haveOwnAlphas = false, gap = 0 }: DecideOptions = {},
): Verdict {
  const alpha = chooseAlpha(cells);
  const isJudged = (cell: JudgedCell) => haveOwnAlphas || cell.alpha === alpha;
  const joint = cells.find((cell) => cell.scan === "full" && isJudged(cell));
  const full = joint && (joint.loss?.barrier ?? null);
  const limit = tolerance ?? defaultTolerance(full);
  const verdict = { average: [] as string[], keep: [] as string[], undecided: [] as string[] };
  const singles = byLayer(cells.filter((cell) => cell.scan === "single" && isJudged(cell)));
  for (const [layer, group] of singles) {
    const losses = group.map(({ loss }) => loss ?? { barrier: null, interval: null });
    const isBelow = losses.every(({ interval }) => interval !== null && interval[1] <= limit);
    const isAbove = losses.some(
      ({ barrier, interval }) => barrier === null || (interval !== null && interval[0] > limit),
    );
    verdict[isBelow ? "average" : isAbove ? "keep" : "undecided"].push(layer);
  }
  const bases = Math.max(0, ...[...singles.values()].map((group) => group.length));
  return {
    ...verdict,
    tolerance: limit,
    alpha,
    reason: explain(verdict, {
      limit,
      isShare: tolerance === undefined && limit > leastTolerance,
      alpha: haveOwnAlphas ? undefined : alpha,
      full,
      judged: singles.size,
      bases,
      gap: gap > 2 * limit ? gap : 0,
    }),
  };
}

function byLayer(cells: readonly JudgedCell[]): Map<string, JudgedCell[]> {
  const groups = new Map<string, JudgedCell[]>();
  for (const cell of cells) groups.set(cell.layer!, [...(groups.get(cell.layer!) ?? []), cell]);
  return groups;
}

function explain(
  verdict: Pick<Verdict, "average" | "keep" | "undecided">,
  {
    limit,
    isShare,
    alpha,
    full,
    judged,
    bases,
    gap,
  }: {
    limit: number;
    /** Whether the limit is a tenth of the full barrier. */
    isShare: boolean;
    alpha: number | undefined;
    full: number | null | undefined;
    judged: number;
    bases: number;
    gap: number;
  },
): string {
  if (judged === 0) return "No single layers were measured, so no layer is judged.";
  const { average, keep, undecided } = verdict;
  const [all, some] = bases > 1 ? [" on both bases", " on at least one base"] : ["", ""];
  const at = alpha === undefined ? ", each at its own alpha" : alpha === 0.5 ? "" : ` at alpha ${alpha}`;
  const tolerated = `a loss barrier of at most ${plain(limit, 3)}${isShare ? " (a tenth of the full barrier)" : ""}${all}`;
  const single = `Averaged on their own${at}, ${average.length} of ${judged} layers have ${tolerated}.`;
  const kept = keep.length ? ` ${keep.length} exceed${keep.length === 1 ? "s" : ""} it${some}.` : "";
  const unsure = undecided.length
    ? ` ${undecided.length} ${undecided.length === 1 ? "is" : "are"} undecided: the 95 % interval contains the limit, and more samples narrow it.`
    : "";
  const joint =
    full === undefined
      ? ""
      : full === null
        ? " The loss of the average of all layers is not finite."
        : ` All layers together have a barrier of ${signed(full, 3)}${full > limit && average.length > 0 ? ": layers that are safe on their own need not be safe together" : ""}.`;
  const unequal = gap
    ? ` The losses of the ends differ by ${plain(gap, 2)} nats, and a barrier on one base includes half of that, with either sign: look at the mean over both bases, too.`
    : "";
  return single + kept + unsure + joint + unequal;
}
