// The cells as the figures want them: one value for a layer at an epoch, under a metric, on a base.
import { type Cell, type Measurement, type Metric, metrics, type Scored } from "../connectivity/index.ts";
import { isModule, moduleName } from "../core/index.ts";

/** The weight of b that a document's sentences and pictures are about. */
const weightOf = ({ verdict }: Measurement): number => verdict.alpha ?? 0.5;
/** What a document tells. */
export const metricsOf = (document: Measurement): readonly Metric[] => document.metrics ?? metrics;
/** Its losses are of next tokens, with their perplexity. */
export const isLanguage = ({ ends }: Measurement): boolean => ends.a.perplexity !== undefined;
/** The two bases, and the mean over them. */
export const bases = ["mean", "a", "b"] as const;
export type BaseChoice = (typeof bases)[number];

/** A measurement of a run: when, on which split, and its result. */
export interface Measured {
  readonly epoch: number;
  readonly split: Measurement["data"]["split"];
  readonly document: Measurement;
}

/** The splits that were measured, in the order in which they are shown: the first is drawn where there is one picture. */
export const splitsOf = (measurements: readonly Measured[]): Measured["split"][] =>
  (["train", "valid", "test"] as const).filter((split) => measurements.some((m) => m.split === split));

/** The cumulative and single scans of a document, as they come; `full` has its own curve. */
export function scansOf(documents: Iterable<Measurement>): string[] {
  const found = new Set<string>();
  for (const { cells } of documents) for (const { scan } of cells) if (scan !== "full") found.add(scan);
  return [...found];
}

/** Whether a cell is at the weight that a document is about, or each layer at its own. */
export const isAtWeight = (document: Measurement, { alpha }: Pick<Cell, "alpha">): boolean =>
  document.weights !== undefined || alpha === weightOf(document);

/** The cell of a scan at a layer, at the weight that the document is about. */
export function cellOf(
  document: Measurement,
  scan: string,
  layer: string | null,
  base: "a" | "b" | null,
): Cell | undefined {
  return document.cells.find((c) => c.scan === scan && c.layer === layer && c.base === base && isAtWeight(document, c));
}

/** The cell of the average of all layers. */
export const fullOf = (document: Measurement): Cell | undefined => cellOf(document, "full", null, null);

/** What `full` averages: all layers, or those that were chosen. */
export const allLayers = (document: Measurement): string =>
  (fullOf(document)?.averaged.length ?? document.layers.length) < document.layers.length
    ? "all chosen layers"
    : "all layers";

/** ` at weight 0.3 of b`; nothing at one half. */
export function atWeight(document: Measurement): string {
  if (document.weights) return " at the layers' own weights";
  const weight = weightOf(document);
  return weight === 0.5 ? "" : ` at weight ${weight} of b`;
}

/** What is drawn first: the mean over both bases, or the one that was measured. */
export function baseOf({ cells }: Measurement): BaseChoice {
  const measured = (["a", "b"] as const).filter((end) => cells.some((cell) => cell.base === end));
  return measured.length === 1 ? measured[0] : "mean";
}

/** The name of a scan's picture. */
export const pictureName = (scan: string): string =>
  isModule(scan) ? `order-${moduleName(scan)}` : scan.replace(":", "-"); // an order may have another picture's name

/**
 * What is drawn for a layer: one base's cell, or the mean over those that were measured. The mean of the intervals is never too narrow for the mean.
 * Numbers have five digits, so that a picture, a page and its script round the same ones.
 */
export function drawn(
  document: Measurement,
  scan: string,
  layer: string,
  metric: Metric,
  base: BaseChoice,
): Scored | undefined {
  const ends = base === "mean" ? (["a", "b"] as const) : [base];
  const scored = ends.flatMap((end) => cellOf(document, scan, layer, end)?.[metric] ?? []);
  if (scored.length === 0) return undefined;
  const mean = (values: (number | null | undefined)[]) =>
    values.some((x) => x === null || x === undefined)
      ? null
      : Number((values.reduce<number>((sum, x) => sum + x!, 0) / values.length).toPrecision(5));
  const [low, high] = [0, 1].map((i) => mean(scored.map(({ interval }) => interval?.[i])));
  return {
    barrier: mean(scored.map(({ barrier }) => barrier)),
    interval: low === null || high === null ? null : [low, high],
    value: mean(scored.map(({ value }) => value)),
  };
}

export const metricNames: Readonly<Record<Metric, string>> = { loss: "loss in nats", error: "error in points" };
export const baseNames: Readonly<Record<BaseChoice, string>> = { mean: "mean of both bases", a: "base a", b: "base b" };
export const unit: Readonly<Record<Metric, string>> = { loss: "nats", error: "points of error" };
/** Units of a document's barriers; a language model's are of its next tokens. */
export const unitsOf = (document: Measurement): Readonly<Record<Metric, string>> =>
  isLanguage(document) ? { loss: "nats per token", error: "points of next-token error" } : unit;
/** ` · task: the next token, of 384, in windows of 48`; nothing where the document does not say. */
export const taskOf = ({ model: { task } }: Measurement): string =>
  typeof task === "string" ? ` · task: ${task}` : "";
/** `samples`, or what they are. */
export const samplesOf = (document: Measurement): string => (isLanguage(document) ? "windows" : "samples");

const scanTitles: Readonly<Record<string, string>> = {
  single: "Each layer alone",
  shallow: "From the input, adding one",
  deep: "From the output, adding one",
  random: "In a random order, adding one",
  minimal: "Both ends first, then the rest",
};
export function scanTitle(scan: string): string {
  if (isModule(scan)) return `In the order ${moduleName(scan)}, adding one`;
  return scanTitles[scan] ?? `${scan.split(":")[1]} consecutive layers, up to the named one`;
}
