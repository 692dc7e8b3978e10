// The maximum of each cell's barriers over alpha. Other papers call that maximum the barrier.
import type { Metric } from "../sweep/index.ts";
import type { Cell } from "./cell.ts";
import type { Measurement } from "./result.ts";

/** For each cell that was measured at several alphas, the largest barrier and its alpha. */
export function findMaxima(cells: readonly Cell[]): NonNullable<Measurement["lines"]> {
  const lines = new Map<string, Cell[]>();
  for (const cell of cells) {
    const key = `${cell.scan} ${cell.layer} ${cell.base}`;
    lines.set(key, [...(lines.get(key) ?? []), cell]);
  }
  return [...lines.values()].map((line) => {
    const [{ scan, layer, base }] = line;
    return { scan, layer, base, max_loss: findPeak(line, "loss"), max_error: findPeak(line, "error") };
  });
}

function findPeak(line: readonly Cell[], metric: Metric) {
  let best: { alpha: number; barrier: number } | null = null;
  for (const cell of line) {
    const barrier = cell[metric]?.barrier ?? null;
    if (barrier === null) return null; // not finite, or not measured
    if (!best || barrier > best.barrier) best = { alpha: cell.alpha, barrier };
  }
  return best;
}
