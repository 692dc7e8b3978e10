// What is told beside the cells: the maximum along a line of weights (which other papers call the barrier), and the full barrier shared out over the
// layers, which a layer's own barrier is held against.
import type { Cell, Metric } from "./cell.ts";
import type { Layer } from "./layers.ts";
import type { Measurement } from "./result.ts";

/** For each cell that was measured at several weights, the largest barrier over them and where it is. */
export function maximaOf(cells: readonly Cell[]): NonNullable<Measurement["lines"]> {
  const lines = new Map<string, Cell[]>();
  for (const cell of cells) {
    const key = `${cell.scan} ${cell.layer} ${cell.base}`;
    lines.set(key, [...(lines.get(key) ?? []), cell]);
  }
  return [...lines.values()].map((line) => {
    const [{ scan, layer, base }] = line;
    return { scan, layer, base, max_loss: peakOf(line, "loss"), max_error: peakOf(line, "error") };
  });
}

function peakOf(line: readonly Cell[], metric: Metric) {
  let best: { alpha: number; barrier: number } | null = null;
  for (const cell of line) {
    const barrier = cell[metric]?.barrier ?? null;
    if (barrier === null) return null; // beyond all measure, or not measured
    if (!best || barrier > best.barrier) best = { alpha: cell.alpha, barrier };
  }
  return best;
}

/** The full barrier at one half divided by the number of layers, and by each layer's share of the parameters. */
export function sharesOf(cells: readonly Cell[], layers: readonly Layer[]): Pick<Measurement, "shares"> {
  const full = cells.find((cell) => cell.scan === "full" && cell.alpha === 0.5);
  if (!full || full.averaged.length === 0) return {};
  const counted = layers.filter(({ name }) => full.averaged.includes(name));
  const total = counted.reduce((sum, { size }) => sum + size, 0);
  const share = (barrier: number | null | undefined) =>
    barrier === null || barrier === undefined
      ? undefined
      : {
          even: barrier / counted.length,
          by_parameters: Object.fromEntries(counted.map(({ name, size }) => [name, (barrier * size) / total])),
        };
  return { shares: { loss: share(full.loss?.barrier), error: share(full.error?.barrier) } };
}
