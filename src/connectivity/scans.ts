// Scans: which layers are averaged together. A cumulative scan is an order of the layers, and each of its cells averages one more of them.
import { listSome, nearest, randomStream, UserError } from "../core/index.ts";

export type ScanName = string;
export type Bases = "a" | "b" | "both";

/** One averaged network: the average on `averaged`, the base's own layers elsewhere. */
export interface Cell {
  readonly scan: ScanName;
  /** The single layer, the one added last in a cumulation, or the last of a window; null for `full`. */
  readonly layer: string | null;
  readonly averaged: readonly string[];
  readonly base: "a" | "b" | null;
}

export interface ScanOptions {
  readonly base: Bases;
  /** Seeds the random order. */
  readonly orderSeed: number;
}

/** The order in which a cumulative scan adds the layers. A new order is one line. */
export const orders: Readonly<Record<string, (layers: readonly string[], options: ScanOptions) => string[]>> = {
  shallow: (layers) => [...layers],
  deep: (layers) => layers.toReversed(),
  random: (layers, { orderSeed }) =>
    Array.from(randomStream(orderSeed, "random order").permutation(layers.length), (i) => layers[i]),
  // the first five, the last five, then the rest in order
  minimal: (layers) => [...new Set([...layers.slice(0, 5), ...layers.slice(-5), ...layers])],
};

const windowOf = (scan: ScanName) => {
  const size = /^window:(\d+)$/.exec(scan)?.[1];
  return size ? Number(size) : undefined;
};

/** Reads a list of scans such as `single,deep,window:3`. Throws {@link UserError} that names the nearest known one. */
export function parseScans(list: string): ScanName[] {
  const known = ["single", ...Object.keys(orders), "full"];
  return list.split(",").map((text) => {
    const scan = text.trim();
    if (known.includes(scan) || (windowOf(scan) ?? 0) > 0) return scan;
    const near = nearest(scan, [...known, "window:K"]);
    throw new UserError(
      `There is no scan ${scan || "without a name"}${near ? `; did you mean ${near}?` : "."} Known are ${listSome([...known, "window:K"], 20)}.`,
    );
  });
}

/** Every cell of the scans over the layers, in order; each on one base, or on both. */
export function planCells(layers: readonly string[], scans: readonly ScanName[], options: ScanOptions): Cell[] {
  const bases = options.base === "both" ? (["a", "b"] as const) : [options.base];
  return scans.flatMap((scan): Cell[] => {
    if (scan === "full") return [{ scan, layer: null, averaged: [...layers], base: null }];
    return groupsOf(scan, layers, options).flatMap((averaged) =>
      bases.map((base) => ({ scan, layer: averaged.at(-1)!, averaged, base })),
    );
  });
}

function groupsOf(scan: ScanName, layers: readonly string[], options: ScanOptions): string[][] {
  const size = scan === "single" ? 1 : windowOf(scan);
  if (size) return layers.slice(0, Math.max(0, layers.length - size + 1)).map((_, i) => layers.slice(i, i + size));
  const order = orders[scan](layers, options);
  return order.map((_, i) => order.slice(0, i + 1));
}
