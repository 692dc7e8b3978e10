// What a measurement found, in words and in a few numbers. Reads stored values only.
import type { Cell, Measurement, Metric } from "../connectivity/index.ts";
import { allLayers, atWeight, drawn, fullOf, isAtWeight, isLanguage, metricsOf } from "./cells.ts";
import { plain, signed } from "./numbers.ts";

/** The metric that sentences are about: the loss where it was measured. */
const mainMetric = (document: Measurement): Metric => metricsOf(document)[0] ?? "loss";

/** The single-layer barriers, mean over the bases that were measured: their median and the largest; undefined where there are none. */
export function singles(
  document: Measurement,
  metric: Metric = mainMetric(document),
): { median: number; worst: { name: string; barrier: number } } | undefined {
  const alone = document.layers
    .flatMap(({ name }) => {
      const cell = drawn(document, "single", name, metric, "mean");
      return cell ? [{ name, barrier: cell.barrier ?? Number.POSITIVE_INFINITY }] : []; // not finite is worst
    })
    .sort((x, y) => x.barrier - y.barrier);
  if (alone.length === 0) return undefined;
  return { median: medianOf(alone.map(({ barrier }) => barrier)), worst: alone.at(-1)! };
}

/** Of an even number of values the mean of the middle two. */
function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((x, y) => x - y);
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2;
}

/** A sentence or two that begin in lower case. */
export function finding(document: Measurement): string {
  const full = fullOf(document);
  const alone = singles(document);
  const joint = full
    ? `the network averaged in ${allLayers(document)}${atWeight(document)} has ${barriersOf(document, full)}`
    : "";
  if (!alone) return joint ? `${joint}.` : "no single layers and no full average were measured.";
  const { median, worst } = alone;
  const points = mainMetric(document) === "error" ? " points" : "";
  const single = `averaging one layer alone costs ${signed(median, 3)}${points} in the median and ${signed(worst.barrier)} at most (${worst.name})`;
  return joint ? `${joint}; ${single}.` : `${single}.`;
}

/** `a loss barrier of +1.2 and an error barrier of +30.1 points`. */
const barriersOf = (document: Measurement, full: Cell): string =>
  metricsOf(document)
    .map((metric) =>
      metric === "loss"
        ? `a loss barrier of ${signed(full.loss?.barrier)}${isLanguage(document) ? ` (perplexity ${perplexities(document, full)})` : ""}`
        : `an error barrier of ${signed(full.error?.barrier, 1)} points`,
    )
    .join(" and ");

/** `45.1, of the ends 20.2 and 21.3`. */
const perplexities = ({ ends: { a, b } }: Measurement, full: Cell): string =>
  `${plain(full.perplexity)}, of the ends ${plain(a.perplexity)} and ${plain(b.perplexity)}`;

/** The random baseline beside the average, for single layers; undefined where none was measured. */
export function baselineSentence(document: Measurement): string | undefined {
  const alone = document.cells.filter((cell) => cell.scan === "single" && cell.baseline && isAtWeight(document, cell));
  if (alone.length === 0) return undefined;
  const metric = mainMetric(document);
  const median = (of: (cell: Cell) => number | null | undefined) => {
    const values = new Map<string, number[]>(); // of each layer, on every base
    for (const cell of alone)
      values.set(cell.layer!, [...(values.get(cell.layer!) ?? []), of(cell) ?? Number.POSITIVE_INFINITY]);
    return medianOf([...values.values()].map((some) => some.reduce((sum, x) => sum + x, 0) / some.length));
  };
  const average = median((cell) => cell[metric]?.barrier);
  const random = median((cell) => cell.baseline?.[metric]?.barrier);
  return `A random step of the same length in one layer has ${metric === "loss" ? "a loss" : "an error"} barrier of ${signed(random, 3)} in the median, the step to the average ${signed(average, 3)}.`;
}

export function tilesOf(document: Measurement): { value: string; label: string }[] {
  const full = fullOf(document);
  const alone = singles(document);
  const told = metricsOf(document);
  const { a, b } = document.ends;
  const tiles = {
    loss: () => {
      const { barrier, interval } = full?.loss ?? {};
      const range = interval ? `, 95 % ${signed(interval[0])} to ${signed(interval[1])}` : "";
      return { value: signed(barrier), label: `full loss barrier${range}` };
    },
    error: () => ({ value: signed(full?.error?.barrier, 1), label: "full error barrier, points" }),
  };
  const [perToken, nextToken] = isLanguage(document) ? [", nats per token", "next-token "] : ["", ""];
  const ends = {
    loss: { value: `${plain(a.loss, 3)} · ${plain(b.loss, 3)}`, label: `loss of the ends a · b${perToken}` },
    error: { value: `${plain(a.error, 3)} · ${plain(b.error, 3)} %`, label: `${nextToken}error of the ends a · b` },
  };
  const perplexity = {
    value: `${plain(a.perplexity)} · ${plain(b.perplexity)}`,
    label: "perplexity of the ends a · b",
  };
  return [
    ...(full ? told.map((metric) => tiles[metric]()) : []),
    ...(alone
      ? [
          { value: signed(alone.median, 3), label: "one layer alone, median" },
          { value: signed(alone.worst.barrier), label: `one layer alone, worst: ${alone.worst.name}` },
        ]
      : []),
    ...told.flatMap((metric) => (metric === "loss" && isLanguage(document) ? [ends.loss, perplexity] : [ends[metric]])),
  ];
}
