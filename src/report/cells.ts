// Looks up what is drawn: one value for a layer at an epoch, for a metric and a base.
import { type Cell, type Measurement, type Metric, metrics, type Scored } from "../connectivity/index.ts";
import { isModule, moduleName } from "../core/index.ts";

/** The alpha that the sentences and pictures of a document describe. */
export const alphaOf = ({ verdict }: Measurement): number => verdict.alpha ?? 0.5;
/** The metrics of a document. */
export const metricsOf = (document: Measurement): readonly Metric[] => document.metrics ?? metrics;
/** Whether the losses are those of next tokens, which have a perplexity. */
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

/** The measured splits in display order; single pictures show the first. */
export const splitsOf = (measurements: readonly Measured[]): Measured["split"][] =>
  (["train", "valid", "test"] as const).filter((split) => measurements.some((m) => m.split === split));

/** The scans of documents except `full`, which has its own chart. */
export function scansOf(documents: Iterable<Measurement>): string[] {
  const found = new Set<string>();
  for (const { cells } of documents) for (const { scan } of cells) if (scan !== "full") found.add(scan);
  return [...found];
}

/** Whether a cell has the alpha that a document describes; always true if layers have their own. */
export const isAtAlpha = (document: Measurement, { alpha }: Pick<Cell, "alpha">): boolean =>
  document.layer_alphas !== undefined || alpha === alphaOf(document);

/** The cell of a scan at a layer, at the alpha that the document describes. */
export function cellOf(
  document: Measurement,
  scan: string,
  layer: string | null,
  base: "a" | "b" | null,
): Cell | undefined {
  return document.cells.find((c) => c.scan === scan && c.layer === layer && c.base === base && isAtAlpha(document, c));
}

/** The cell of the average of all layers. */
export const fullOf = (document: Measurement): Cell | undefined => cellOf(document, "full", null, null);

/** What `full` averages: all layers, or those of --layers. */
export const allLayers = (document: Measurement): string =>
  (fullOf(document)?.averaged.length ?? document.layers.length) < document.layers.length
    ? "all chosen layers"
    : "all layers";

/** ` at alpha 0.3`; empty for 0.5. */
export function atAlpha(document: Measurement): string {
  if (document.layer_alphas) return ", each layer at its own alpha";
  const alpha = alphaOf(document);
  const hasOthers = document.cells.some((cell) => cell.alpha !== alpha);
  return alpha === 0.5 && !hasOthers ? "" : ` at alpha ${alpha}`;
}

/** The same document at each other alpha that was measured; none if layers have their own. */
export function atOtherAlphas(document: Measurement): Measurement[] {
  if (document.layer_alphas) return [];
  const alphas = new Set(document.cells.map(({ alpha }) => alpha));
  alphas.delete(alphaOf(document));
  return [...alphas].map((alpha) => ({ ...document, verdict: { ...document.verdict, alpha } }));
}

/** Whether all averages are halfway between the ends. */
export const isAtHalf = ({ cells, layer_alphas }: Measurement): boolean =>
  layer_alphas === undefined && cells.every(({ alpha }) => alpha === 0.5);

/** The base that is drawn first: the mean over both, or the one that was measured. */
export function baseOf({ cells }: Measurement): BaseChoice {
  const measured = (["a", "b"] as const).filter((end) => cells.some((cell) => cell.base === end));
  return measured.length === 1 ? measured[0] : "mean";
}

/** The name of a scan's picture. */
export const pictureName = (scan: string): string =>
  // an order may have the name of another picture
  isModule(scan) ? `order-${moduleName(scan)}` : scan.replace(":", "-");

/**
 * The values drawn for a layer: those of one base, or the mean over the measured bases. The mean of their intervals is
 * never too narrow for the mean. Numbers have five digits, so that pictures, page and script round alike.
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
/** Units of a document's barriers. */
export const unitsOf = (document: Measurement): Readonly<Record<Metric, string>> =>
  isLanguage(document) ? { loss: "nats per token", error: "points of next-token error" } : unit;
/** ` · task: the next token, of 384, in windows of 48`; empty if the document has no task. */
export const taskOf = ({ model: { task } }: Measurement): string =>
  typeof task === "string" ? ` · task: ${task}` : "";
/** `photos (test)`; a single file of texts or images by its name only, since it has no splits. */
export const dataAndSplit = ({ data: { name, split } }: Measurement): string =>
  /\.(txt|jsonl|ndjson|parquet|csv|tsv)$/i.test(name) ? name : `${name} (${split})`;
/** `samples`, or `windows` of text. */
export const samplesOf = (document: Measurement): string => (isLanguage(document) ? "windows" : "samples");

const scanTitles: Readonly<Record<string, string>> = {
  single: "Each layer on its own",
  shallow: "All layers from the input up to the named one",
  deep: "All layers from the output up to the named one",
  random: "In random order, up to the named layer",
  minimal: "First five, last five, then the rest",
};
export function scanTitle(scan: string): string {
  if (isModule(scan)) return `In the order ${moduleName(scan)}, up to the named layer`;
  return scanTitles[scan] ?? `${scan.split(":")[1]} consecutive layers up to the named one`;
}
