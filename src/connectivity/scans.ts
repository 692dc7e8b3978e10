// Scans: which layers are averaged together. A cumulative scan is an order of the layers; each of its cells averages
// one more layer than the cell before.
import { normalize } from "node:path";
import { importDefault, isModule, listSome, moduleName, nearest, randomStream, UserError } from "../core/index.ts";
import type { Cell } from "./cell.ts";

export type ScanName = string;
/** The end that the layers come from that are not averaged; `both` measures each. */
export type Bases = "a" | "b" | "both";

/**
 * The order in which a cumulative scan adds the layers: gets their names in the model's order, returns them in its own.
 */
export type Order = (layers: readonly string[], options: { readonly orderSeed: number }) => readonly string[];

export interface ScanOptions {
  readonly base: Bases;
  /** Seeds the random order. */
  readonly orderSeed: number;
  /** Custom orders, by the name of the scan: see {@link loadOrders}. */
  readonly orders?: Readonly<Record<string, Order>>;
  /** Default 0.5. */
  readonly alphas?: readonly number[];
}

/** The orders by name. To add one, add a line here, or write a module. */
const orders: Readonly<Record<string, Order>> = {
  shallow: (layers) => [...layers],
  deep: (layers) => layers.toReversed(),
  random: (layers, { orderSeed }) =>
    Array.from(randomStream(orderSeed, "random order").permutation(layers.length), (i) => layers[i]),
  // the first five, the last five, then the rest in order
  minimal: (layers) => [...new Set([...layers.slice(0, 5), ...layers.slice(-5), ...layers])],
};

/** Loads the scans that are modules: .mjs files whose default export is an {@link Order}. */
export async function loadOrders(scans: readonly ScanName[]): Promise<Record<string, Order>> {
  const modules = [...new Set(scans.filter(isModule))];
  const names = modules.map(moduleName);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice)
    throw new UserError(
      `Two orders are called ${twice}, so their pictures would have the same name. Rename one of the files.`,
    );
  const loaded = modules.map(async (path): Promise<[string, Order]> => {
    const order = await importDefault(path, "docs/extending.md");
    if (typeof order !== "function")
      throw new UserError(`${path} is not an order: its default export is not a function. See docs/extending.md.`);
    return [path, order as Order];
  });
  return Object.fromEntries(await Promise.all(loaded));
}

const windowOf = (scan: ScanName) => {
  const size = /^window:(\d+)$/.exec(scan)?.[1];
  return size ? Number(size) : undefined;
};

/**
 * Reads a list of scans: `single`, `shallow`, `deep`, `random`, `minimal`, `window:K`, `full`, or the path of a `.mjs`
 * file with an {@link Order}. Throws a {@link UserError} that names the nearest known scan.
 * @example
 * ```ts
 * import { parseScans } from "layerwise";
 *
 * console.log(parseScans("single, window:3")); // [ 'single', 'window:3' ]
 * ```
 */
export function parseScans(list: string): ScanName[] {
  const known = ["single", ...Object.keys(orders), "full"];
  return list.split(",").map((text) => {
    const scan = text.trim();
    if (known.includes(scan) || (windowOf(scan) ?? 0) > 0) return scan;
    if (isModule(scan)) return normalize(scan); // one spelling
    const near = nearest(scan, [...known, "window:K"]);
    throw new UserError(
      `There is no scan ${scan || "without a name"}${near ? `; did you mean ${near}?` : "."} Known are ${listSome([...known, "window:K"], 20)}.`,
    );
  });
}

/** Every cell of the scans over the layers, in order, for one alpha after the other; each on one base, or on both. */
export function planCells(layers: readonly string[], scans: readonly ScanName[], options: ScanOptions): Cell[] {
  const bases = options.base === "both" ? (["a", "b"] as const) : [options.base];
  const cells = scans.flatMap((scan): Omit<Cell, "alpha">[] => {
    if (scan === "full") return [{ scan, layer: null, averaged: [...layers], base: null }];
    return planAverages(scan, layers, options).flatMap((averaged) =>
      bases.map((base) => ({ scan, layer: averaged.at(-1)!, averaged, base })),
    );
  });
  const { alphas = [0.5] } = options;
  return alphas.flatMap((alpha) => cells.map((cell) => ({ ...cell, alpha })));
}

/** The layers that each cell of a scan averages. */
function planAverages(scan: ScanName, layers: readonly string[], options: ScanOptions): string[][] {
  const size = scan === "single" ? 1 : windowOf(scan);
  if (size && size > layers.length)
    throw new UserError(`${scan} needs ${size} layers, but there are ${layers.length}. Use a smaller window.`);
  if (size) return layers.slice(0, layers.length - size + 1).map((_, i) => layers.slice(i, i + size));
  const order = (options.orders?.[scan] ?? orders[scan])(layers, options);
  if (!Array.isArray(order))
    throw new UserError(`The order ${scan} does not return a list of layers. Return an array of layer names.`);
  const unknown = order.find((name) => !layers.includes(name));
  if (unknown !== undefined)
    throw new UserError(`The order ${scan} returns ${unknown}, which is not a layer. Return only names it was given.`);
  if (new Set(order).size < order.length)
    throw new UserError(`The order ${scan} returns a layer twice. Return each layer at most once.`);
  return order.map((_, i) => order.slice(0, i + 1));
}
