// The plan of a measurement: every cell at every alpha, with the mixes that it needs (its average, and the draws of its
// random baseline).
import { type Layer, matchLayers } from "../models/index.ts";
import { type Mix, mixKey, mixOf, mixOfEnd } from "../sweep/index.ts";
import type { Cell } from "./cell.ts";
import { type Bases, loadOrders, planCells, type ScanName } from "./scans.ts";

export interface PlanOptions {
  readonly scans: readonly ScanName[];
  readonly base?: Bases;
  readonly orderSeed?: number;
  /** Globs: only these layers are ever averaged. */
  readonly layers?: readonly string[];
  /** Default 0.5. */
  readonly alphas?: readonly number[];
  /**
   * The alpha of every layer, in place of `alphas`. Layers at alpha 0 or 1 are not averaged: in the mix of all layers
   * they come from their end.
   */
  readonly layerAlphas?: Readonly<Record<string, number>>;
  /** Random steps for every cell; default none. */
  readonly randomDraws?: number;
}

export interface PlannedCell {
  readonly cell: Cell;
  readonly mix: Mix;
  /** The draws of its random baseline. */
  readonly baseline: readonly Mix[];
}

/** Every requested cell, in order. */
export async function planMeasurement(layers: readonly Layer[], options: PlanOptions): Promise<PlannedCell[]> {
  const { scans, base = "both", orderSeed = 111, alphas, layerAlphas, randomDraws = 0 } = options;
  const names = layers.map(({ name }) => name);
  const chosen = options.layers ? matchLayers(layers, options.layers).map(({ name }) => name) : names;
  const averaged = layerAlphas ? chosen.filter((name) => layerAlphas[name] !== 0 && layerAlphas[name] !== 1) : chosen;
  const cells = planCells(averaged, scans, { base, orderSeed, orders: await loadOrders(scans), alphas });
  return cells.map((planned) => {
    const cell = layerAlphas ? { ...planned, alpha: commonAlpha(planned.averaged, layerAlphas) } : planned;
    // `full` has no base; where only some layers are averaged, the others come from the requested base, or from a
    const wanted = {
      ...cell,
      averaged: cell.base || !layerAlphas ? cell.averaged : chosen,
      base: cell.base ?? (base === "b" ? "b" : "a"),
      layerAlphas,
    } as const;
    return {
      cell,
      mix: mixOf(names, wanted),
      baseline: Array.from({ length: randomDraws }, (_, draw) => mixOf(names, { ...wanted, draw })),
    };
  });
}

/** The alpha that all layers have; else 0.5, at which the mix is compared with the ends. */
function commonAlpha(layers: readonly string[], layerAlphas: Readonly<Record<string, number>>): number {
  const own = new Set(layers.map((name) => layerAlphas[name]));
  return own.size === 1 ? [...own][0] : 0.5;
}

/** Every mix that a measurement evaluates: the two ends, and the mixes of its cells. */
export const mixesOf = (planned: readonly PlannedCell[], layers: readonly Layer[]): Mix[] => {
  const mixes = planned.flatMap(({ mix, baseline }) => [mix, ...baseline]);
  const all = [mixOfEnd("a", layers), mixOfEnd("b", layers), ...mixes];
  return [...new Map(all.map((mix) => [mixKey(mix), mix])).values()];
};

/** The number of mixes that a measurement evaluates, including the two ends. */
export const countMixes = async (layers: readonly Layer[], options: PlanOptions): Promise<number> =>
  mixesOf(await planMeasurement(layers, options), layers).length;
