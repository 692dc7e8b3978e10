// The verdict: which layers may be averaged, by the intervals of their single-layer loss barriers and a tolerance that
// is told.
import type { Cell } from "./cell.ts";

export interface Verdict {
  readonly average: string[];
  readonly keep: string[];
  /** The interval lies on both sides of the tolerance. */
  readonly undecided: string[];
  /** The largest loss barrier that is accepted, in nats. */
  readonly tolerance: number;
  /** The weight of b that it is about: one half, or the nearest to it that was measured. */
  readonly alpha: number;
  readonly reason: string;
}

/** What of a cell is judged: its loss. One without is judged like one whose loss is not finite. */
export type JudgedCell = Pick<Cell, "scan" | "layer" | "alpha" | "loss">;

/** The tolerance when none is given: a twentieth of a nat, or a tenth of the full barrier where that is more. */
const defaultTolerance = (full: number | null | undefined) => Math.max(0.05, (full ?? 0) / 10);

const weightOf = (cells: readonly JudgedCell[]): number =>
  cells.reduce(
    (best, { alpha }) => (Math.abs(alpha - 0.5) < Math.abs(best - 0.5) ? alpha : best),
    cells[0]?.alpha ?? 0.5,
  );

/**
 * Judges each layer by its `single` cells at one weight, or each at its own: average when every base's interval ends below the tolerance,
 * keep when one begins above it.
 */
export function decide(cells: readonly JudgedCell[], tolerance?: number, haveOwn = false): Verdict {
  const weight = weightOf(cells);
  const isJudged = (cell: JudgedCell) => haveOwn || cell.alpha === weight;
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
    alpha: weight,
    reason: reasonOf(verdict, { limit, weight: haveOwn ? undefined : weight, full, judged: singles.size, bases }),
  };
}

function byLayer(cells: readonly JudgedCell[]): Map<string, JudgedCell[]> {
  const groups = new Map<string, JudgedCell[]>();
  for (const cell of cells) groups.set(cell.layer!, [...(groups.get(cell.layer!) ?? []), cell]);
  return groups;
}

function reasonOf(
  verdict: Pick<Verdict, "average" | "keep" | "undecided">,
  {
    limit,
    weight,
    full,
    judged,
    bases,
  }: { limit: number; weight: number | undefined; full: number | null | undefined; judged: number; bases: number },
): string {
  if (judged === 0) return "No single layers were measured, so nothing is judged.";
  const { average, keep, undecided } = verdict;
  const unsure = undecided.length ? ` and ${undecided.length} cannot be told apart from it with so few samples` : "";
  const [all, some] = bases > 1 ? [" on both bases", " on one at least"] : ["", ""];
  const at = weight === undefined ? " at its own weight" : weight === 0.5 ? "" : ` at weight ${weight} of b`;
  const alone = `Averaged alone${at}, ${average.length} of ${judged} layers stay within a loss barrier of ${limit.toFixed(3)}${all}, ${keep.length} exceed it${some}${unsure}.`;
  const joint =
    full === undefined
      ? ""
      : full === null
        ? " All together the loss is not finite."
        : ` All together have a barrier of ${full.toFixed(3).replace(/^-(?=0\.000$)/, "")}${full > limit ? ": layers that are safe alone need not be safe together" : ""}.`;
  return alone + joint;
}
