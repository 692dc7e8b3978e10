// The plan of a measurement: every cell at every alpha, with the mixes that it needs: its average, and the draws of its random baseline.
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
  /** Weights of end b; default one half. */
  readonly alphas?: readonly number[];
  /**
   * The weight of b of every layer, in place of `alphas`. Layers whose weight is 0 or 1 are not averaged: in the network of all layers together they are their
   * end's.
   */
  readonly weights?: Readonly<Record<string, number>>;
  /** Random directions for every cell; default none. */
  readonly randomDraws?: number;
}

export interface PlannedCell {
  readonly cell: Cell;
  readonly mix: Mix;
  /** The draws of its random baseline. */
  readonly baseline: readonly Mix[];
}

/** Every cell that is asked for, in order. */
export async function planMeasurement(layers: readonly Layer[], options: PlanOptions): Promise<PlannedCell[]> {
  const { scans, base = "both", orderSeed = 111, alphas, weights, randomDraws = 0 } = options;
  const names = layers.map(({ name }) => name);
  const chosen = options.layers ? matchLayers(layers, options.layers).map(({ name }) => name) : names;
  const averaged = weights ? chosen.filter((name) => weights[name] !== 0 && weights[name] !== 1) : chosen;
  const cells = planCells(averaged, scans, { base, orderSeed, orders: await loadOrders(scans), alphas });
  return cells.map((planned) => {
    const cell = weights ? { ...planned, alpha: commonWeight(planned.averaged, weights) } : planned;
    // `full` has no base; where only some layers are averaged the others are the one base's that is asked for, or a's
    const wanted = {
      ...cell,
      averaged: cell.base || !weights ? cell.averaged : chosen,
      base: cell.base ?? (base === "b" ? "b" : "a"),
      weights,
    } as const;
    return {
      cell,
      mix: mixOf(names, wanted),
      baseline: Array.from({ length: randomDraws }, (_, draw) => mixOf(names, { ...wanted, draw })),
    };
  });
}

/** The weight of b that layers have in common; else one half, at which they are held against the ends. */
function commonWeight(layers: readonly string[], weights: Readonly<Record<string, number>>): number {
  const own = new Set(layers.map((name) => weights[name]));
  return own.size === 1 ? [...own][0] : 0.5;
}

/** Every mix that a measurement evaluates: the two ends, and those of its cells. */
export const mixesOf = (planned: readonly PlannedCell[], layers: readonly Layer[]): Mix[] => {
  const mixes = planned.flatMap(({ mix, baseline }) => [mix, ...baseline]);
  const all = [mixOfEnd("a", layers), mixOfEnd("b", layers), ...mixes];
  return [...new Map(all.map((mix) => [mixKey(mix), mix])).values()];
};

/** How many mixes a measurement evaluates, the two ends among them. */
export const countMixes = async (layers: readonly Layer[], options: PlanOptions): Promise<number> =>
  mixesOf(await planMeasurement(layers, options), layers).length;
