// Each layer's share of the full barrier, for comparison with the layer's own barrier.
import type { Layer } from "../models/index.ts";
import type { Cell } from "./cell.ts";
import type { Measurement } from "./result.ts";

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
