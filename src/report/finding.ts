// Summarises a measurement in sentences and a few numbers, from stored values only.
import type { Cell, Measurement, Metric } from "../connectivity/index.ts";
import { plain, signed } from "../core/index.ts";
import {
  allLayers,
  alphaOf,
  atAlpha,
  atOtherAlphas,
  drawn,
  fullOf,
  isAtAlpha,
  isLanguage,
  metricsOf,
} from "./cells.ts";

/** The metric of the sentences: the loss if it was measured. */
const mainMetric = (document: Measurement): Metric => metricsOf(document)[0] ?? "loss";

/** Median and largest single-layer barrier, as means over the measured bases; undefined if none was measured. */
export function summariseSingles(
  document: Measurement,
  metric: Metric = mainMetric(document),
): { median: number; worst: { name: string; barrier: number } } | undefined {
  const alone = document.layers
    .flatMap(({ name }) => {
      const cell = drawn(document, "single", name, metric, "mean");
      // a barrier that is not finite counts as the largest
      return cell ? [{ name, barrier: cell.barrier ?? Number.POSITIVE_INFINITY }] : [];
    })
    .sort((x, y) => x.barrier - y.barrier);
  if (alone.length === 0) return undefined;
  return { median: medianOf(alone.map(({ barrier }) => barrier)), worst: alone.at(-1)! };
}

/** For an even number of values, the mean of the middle two. */
function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((x, y) => x - y);
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2;
}

interface FindingOptions {
  /** Shortens the name of the layer with the largest barrier. */
  readonly shorten?: (name: string) => string;
  /** Whether perplexities of the ends are next to that of the average. */
  readonly withEnds?: boolean;
}

/** One or two sentences: the average of all layers, and the single layers; with a larger barrier at another alpha. */
export function describeFinding(
  document: Measurement,
  { shorten = (name) => name, withEnds = false }: FindingOptions = {},
): string[] {
  const metric = mainMetric(document);
  const digits = metric === "error" ? 1 : 3;
  const points = metric === "error" ? " points" : "";
  const full = fullOf(document);
  const alone = summariseSingles(document);
  const sentences: string[] = [];
  if (full) {
    const other = largerElsewhere(document, (one) => fullOf(one)?.[metric]?.barrier);
    const larger = other
      ? `; largest ${metric} barrier at alpha ${other.alpha}: ${signed(other.barrier, digits)}${points}`
      : "";
    sentences.push(
      `Averaging ${allLayers(document)}${atAlpha(document)}: ${describeScores(document, full, withEnds)}${larger}.`,
    );
  }
  if (alone) {
    const { median, worst } = alone;
    const other = largerElsewhere(document, (one) => summariseSingles(one)?.worst.barrier);
    const larger = other ? `; at alpha ${other.alpha} ${signed(other.barrier, 3)}${points}` : "";
    sentences.push(
      `Averaging one layer: median ${signed(median, 3)}${points}, largest ${signed(worst.barrier, 3)}${points} (${shorten(worst.name)})${larger}.`,
    );
  }
  return sentences.length ? sentences : ["No single layers and no full average were measured."];
}

/** The largest barrier at the other alphas, if it is larger than at the one that the document describes. */
function largerElsewhere(
  document: Measurement,
  barrierOf: (document: Measurement) => number | null | undefined,
): { readonly alpha: number; readonly barrier: number } | undefined {
  const sizeOf = (one: Measurement) => {
    const barrier = barrierOf(one);
    return barrier === null ? Number.POSITIVE_INFINITY : (barrier ?? Number.NEGATIVE_INFINITY); // null: not finite
  };
  const others = atOtherAlphas(document).map((one) => ({ alpha: alphaOf(one), barrier: sizeOf(one) }));
  return others.sort((x, y) => y.barrier - x.barrier).find(({ barrier }) => barrier > sizeOf(document));
}

/** `loss barrier +1.20, error barrier +30.1 points, perplexity 45.1`. */
function describeScores(document: Measurement, full: Cell, withEnds: boolean): string {
  const barriers = {
    loss: () => `loss barrier ${signed(full.loss?.barrier, 3)}`,
    error: () => `error barrier ${signed(full.error?.barrier, 1)} points`,
  };
  const scores = metricsOf(document).map((metric) => barriers[metric]());
  if (!isLanguage(document)) return scores.join(", ");
  const perplexity = `perplexity ${plain(full.perplexity)}`;
  const { a, b } = document.ends;
  return withEnds
    ? `${scores.join(", ")} (${perplexity}; ends ${plain(a.perplexity)} and ${plain(b.perplexity)})`
    : [...scores, perplexity].join(", ");
}

/** Compares single layers with random steps; undefined if there is no baseline. */
export function describeBaseline(document: Measurement): string | undefined {
  const alone = document.cells.filter((cell) => cell.scan === "single" && cell.baseline && isAtAlpha(document, cell));
  if (alone.length === 0) return undefined;
  const metric = mainMetric(document);
  const median = (of: (cell: Cell) => number | null | undefined) => {
    const values = new Map<string, number[]>(); // by layer, on every base
    for (const cell of alone)
      values.set(cell.layer!, [...(values.get(cell.layer!) ?? []), of(cell) ?? Number.POSITIVE_INFINITY]);
    return medianOf([...values.values()].map((some) => some.reduce((sum, x) => sum + x, 0) / some.length));
  };
  const average = median((cell) => cell[metric]?.barrier);
  const random = median((cell) => cell.baseline?.[metric]?.barrier);
  return `Median single-layer ${metric} barrier: ${signed(average, 3)} for the average, ${signed(random, 3)} for a random step of the same norm.`;
}

/** The headline numbers of a page. */
export function tilesOf(document: Measurement): { value: string; label: string }[] {
  const full = fullOf(document);
  const alone = summariseSingles(document);
  const shown = metricsOf(document);
  const { a, b } = document.ends;
  const tiles = {
    loss: () => {
      const { barrier, interval } = full?.loss ?? {};
      const range = interval ? `, 95 % ${signed(interval[0], 3)} to ${signed(interval[1], 3)}` : "";
      return { value: signed(barrier, 3), label: `full loss barrier${range}` };
    },
    error: () => ({ value: signed(full?.error?.barrier, 1), label: "full error barrier, points" }),
  };
  const [perToken, nextToken] = isLanguage(document) ? [", nats per token", "next-token "] : ["", ""];
  const ends = {
    loss: { value: `${plain(a.loss, 3)} · ${plain(b.loss, 3)}`, label: `loss of ends a · b${perToken}` },
    error: { value: `${plain(a.error, 3)} · ${plain(b.error, 3)} %`, label: `${nextToken}error of ends a · b` },
  };
  const perplexity = {
    value: `${plain(a.perplexity)} · ${plain(b.perplexity)}`,
    label: "perplexity of ends a · b",
  };
  return [
    ...(full ? shown.map((metric) => tiles[metric]()) : []),
    ...(alone
      ? [
          { value: signed(alone.median, 3), label: "single-layer barrier, median" },
          { value: signed(alone.worst.barrier, 3), label: `single-layer barrier, largest: ${alone.worst.name}` },
        ]
      : []),
    ...shown.flatMap((metric) =>
      metric === "loss" && isLanguage(document) ? [ends.loss, perplexity] : [ends[metric]],
    ),
  ];
}
