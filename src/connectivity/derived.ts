// Numbers derived from the measured cells: the maximum of each cell's barriers over alpha (other papers call that
// maximum the barrier), and each layer's share of the full barrier, for comparison with the layer's own barrier.
import type { Layer } from "../models/index.ts";
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

/** Divides the full barrier at alpha 0.5 among the layers: evenly, and by number of parameters. */
export function divideFullBarrier(cells: readonly Cell[], layers: readonly Layer[]): Pick<Measurement, "shares"> {
  const full = cells.find((cell) => cell.scan === "full" && cell.alpha === 0.5);
  if (!full || full.averaged.length === 0) return {};
  const counted = layers.filter(({ name }) => full.averaged.includes(name));
  const total = counted.reduce((sum, { size }) => sum + size, 0);
  const divide = (barrier: number | null | undefined) =>
    barrier === null || barrier === undefined
      ? undefined
      : {
          even: barrier / counted.length,
          by_parameters: Object.fromEntries(counted.map(({ name, size }) => [name, (barrier * size) / total])),
        };
  return { shares: { loss: divide(full.loss?.barrier), error: divide(full.error?.barrier) } };
}
