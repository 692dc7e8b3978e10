// The plan of a measurement: every cell at every weight, with the mixes that it needs: its average, and the draws of its random baseline.

import { dtypeOf, type Model } from "../models/index.ts";
import type { Cell } from "./cell.ts";
import { type Grouping, groupLayers, type Layer, matchLayers } from "./layers.ts";
import { type Mix, mixOf, orderMixes } from "./mixes.ts";
import { type Bases, loadOrders, planCells, type ScanName } from "./scans.ts";

export interface PlanOptions {
  readonly scans: readonly ScanName[];
  readonly base?: Bases;
  readonly orderSeed?: number;
  /** Globs: only these layers are ever averaged. */
  readonly layers?: readonly string[];
  /** Weights of end b; default one half. */
  readonly alphas?: readonly number[];
  /** Random directions for every cell; default none. */
  readonly randomDraws?: number;
}

export interface Point {
  readonly cell: Cell;
  readonly alpha: number;
  readonly mix: Mix;
  readonly baseline: readonly Mix[];
}

/** The layers of a network, in its order; `isThere` leaves out what a file lacks, such as counters that older ones do not have. */
export function layersOf(model: Model, group?: Grouping, isThere: (name: string) => boolean = () => true): Layer[] {
  const present = model.parameters.filter((p) => isThere(p.name));
  const tensors = present.map((p) => ({ name: p.name, shape: p.shape, dtype: dtypeOf(p), layer: p.layer }));
  return groupLayers(tensors, { group, tied: model.tied });
}

export async function planPoints(layers: readonly Layer[], options: PlanOptions): Promise<Point[]> {
  const { scans, base = "both", orderSeed = 111, alphas, randomDraws = 0 } = options;
  const chosen = options.layers ? matchLayers(layers, options.layers) : layers;
  const names = layers.map((layer) => layer.name);
  const cells = planCells(
    chosen.map((layer) => layer.name),
    scans,
    { base, orderSeed, orders: await loadOrders(scans), alphas },
  );
  // `full` has no base; where only some layers are averaged the others are the one base's that is asked for, or a's
  const onBase = (cell: Cell) => ({ ...cell, base: cell.base ?? (base === "b" ? "b" : "a") });
  return cells.map((cell) => ({
    cell,
    alpha: cell.alpha,
    mix: mixOf(onBase(cell), cell.alpha, names),
    baseline: Array.from({ length: randomDraws }, (_, draw) => mixOf(onBase(cell), cell.alpha, names, draw)),
  }));
}

/** Every mix that some points and the ends need, in the order in which to evaluate them. */
export const mixesOf = (points: readonly Point[], ends: readonly Mix[] = []): Mix[] =>
  orderMixes([...ends, ...points.flatMap(({ mix, baseline }) => [mix, ...baseline])]);

/** The end itself, as a mix of nothing averaged. */
export const endMix = (end: "a" | "b", layers: readonly Layer[]): Mix => ({ sources: layers.map(() => end) });

/** How many mixes a measurement evaluates, the two ends among them. */
export const countMixes = async (layers: readonly Layer[], options: PlanOptions): Promise<number> =>
  mixesOf(await planPoints(layers, options), [endMix("a", layers), endMix("b", layers)]).length;
