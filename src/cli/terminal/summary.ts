// Runs and measurements in the terminal: the verdict first, then heatmaps, then details and the path of the report.
import type { Measurement } from "../../connectivity/index.ts";
import { plain, signed } from "../../core/index.ts";
import type { Written } from "../../experiments/index.ts";
import {
  atAlpha,
  baseOf,
  dataAndSplit,
  describeBaseline,
  describeFinding,
  drawn,
  fullOf,
  isLanguage,
  metricsOf,
  type RunRecord,
  samplesOf,
  scansOf,
  scanTitle,
  splitsOf,
  verdictOf,
} from "../../report/index.ts";
import { colourOf, drawHeatmap } from "./heatmap.ts";
import { leastWidth, shortenNames } from "./names.ts";
import { terminalWidth, wrapped } from "./wrap.ts";

/** A scan's barrier at a layer, as mean over the measured bases; null if not finite, undefined if not measured. */
const barrierAt = (document: Measurement, scan: string, layer: string, metric: "loss" | "error" = "loss") =>
  drawn(document, scan, layer, metric, "mean")?.barrier;

/** A run: claims and finding, the full barrier over the epochs, the heatmaps of two scans, the report. */
export function showRun({ name, unit, measurements, claims = [] }: RunRecord, page: string): string {
  const [split] = splitsOf(measurements);
  const points = measurements.filter((m) => m.split === split);
  const last = points.at(-1)!.document;
  const scans = scansOf([last]).slice(0, 2);
  const heatmaps = scans.map((scan) =>
    drawHeatmap({
      title: wrapped(`${name}: loss barrier by ${unit}. ${scanTitle(scan)}.`, "", 0),
      rows: last.layers.map((layer) => layer.name),
      columns: points.map((m) => String(m.epoch)),
      values: last.layers.map((layer) => points.map((m) => barrierAt(m.document, scan, layer.name))),
      isSeries: true,
      width: terminalWidth(),
      colour: colourOf(process.stdout, process.env),
    }),
  );
  const full = points.map((m) => `${m.epoch}: ${signed(fullOf(m.document)?.loss?.barrier, 2)}`).join(" · ");
  return [
    ...(claims.length ? [[...claims.map(claimLine), claimLegend(unit)].join("\n")] : []),
    `At ${unit} ${points.at(-1)!.epoch}:\n${findingLines(last)}`,
    `Loss barrier of all layers by ${unit}:\n${wrapped(full, "")}`,
    ...heatmaps,
    `Report: ${page}`,
  ].join("\n\n");
}

const claimLine = ({ says, verdict, numbers }: NonNullable<RunRecord["claims"]>[number]) =>
  wrapped(`${verdict.toUpperCase()}: ${says} (${numbers}).`, "  ");

const claimLegend = (unit: string) => `(value [95 % interval] against limit, at ${unit})`;

/**
 * Several experiments: how many are reproduced, then the verdict and claims of each, or its page if it has no claims.
 */
export function showClaims(written: readonly Written[], overview?: string): string {
  const blocks = written.map(({ record, page }) => {
    const claims = (record.claims ?? []).map((claim) => `  ${claimLine(claim)}`);
    return [`${record.name}: ${claims.length ? verdictOf(record) : `no claims; ${page}`}`, ...claims].join("\n");
  });
  const verdicts = written.map(({ record }) => verdictOf(record)).filter((verdict) => verdict !== "no claims");
  const holding = verdicts.filter((verdict) => verdict === "holds").length;
  return [
    ...(verdicts.length ? [`${holding} of ${verdicts.length} experiments reproduced.`] : []),
    [...blocks, ...(verdicts.length ? [claimLegend(written[0].record.unit)] : [])].join("\n"),
    ...(overview ? [`Report: ${overview}`] : []),
  ].join("\n\n");
}

/** One measurement: the verdict, the heatmap of layers by scans, the ends, the notes, the report. */
export function showMeasurement(document: Measurement, folder: string): string {
  const scans = scansOf([document]);
  const [metric = "loss"] = metricsOf(document);
  const what = metric === "loss" ? "Loss barrier" : "Error barrier, points,";
  const base = baseOf(document);
  const bases = base === "mean" ? "mean over both bases" : `base ${base}`;
  const { samples } = document.data;
  const rows = document.layers
    .map(({ name }) => ({ name, cells: scans.map((scan) => barrierAt(document, scan, name, metric)) }))
    .filter(({ cells }) => cells.some((value) => value !== undefined)); // not those that --layers leaves out
  const heatmap = drawHeatmap({
    title: wrapped(
      `${what} on ${samples} ${samplesOf(document)} of ${dataAndSplit(document)}${atAlpha(document)}, ${bases}`,
      "",
      0,
    ),
    rows: rows.map(({ name }) => name),
    columns: scans,
    values: rows.map(({ cells }) => cells),
    unit: metric === "loss" ? 0.1 : 5,
    large: metric === "loss" ? document.verdict.tolerance : undefined,
    width: terminalWidth(),
    colour: colourOf(process.stdout, process.env),
  });
  const verdict = [document.verdict.reason, describeBaseline(document)].filter((text) => text !== undefined);
  return [
    [...verdict.map((text) => wrapped(text, "")), findingLines(document)].join("\n"),
    ...(scans.length ? [heatmap, wrapped(legendOf(scans), "")] : []),
    [
      ...(typeof document.model.task === "string" ? [wrapped(`Task: ${document.model.task}.`, "")] : []),
      isLanguage(document) ? describeLanguageEnds(document) : describeEnds(document),
    ].join("\n"),
    ...(document.notes ?? []).map((note) => wrapped(`Note: ${note}`, "")),
    `Report: ${folder}/report.html`,
  ].join("\n\n");
}

/** What the columns mean: `single: each layer on its own; deep: …`. */
const legendOf = (scans: readonly string[]): string =>
  `${scans.map((scan) => `${scan}: ${scanTitle(scan).replace(/^[A-Z]/, (c) => c.toLowerCase())}`).join("; ")}.`;

/** Loss and error of the two ends. */
function describeEnds(document: Measurement): string {
  const { a, b } = document.ends;
  const values = ({ loss, error }: typeof a) =>
    [
      ...(loss === null ? [] : [`loss ${loss.toFixed(4)}`]),
      ...(error === null ? [] : [`error ${error.toFixed(1)} %`]),
    ].join(", ");
  return `Ends: a ${values(a)}; b ${values(b)}.`;
}

/** Loss and perplexity of the ends of a language model. */
function describeLanguageEnds({ ends }: Measurement): string {
  const line = (end: "a" | "b") => {
    const { loss, perplexity, error } = ends[end];
    const shown = error === null ? "" : `, next-token error ${error.toFixed(1)} %`;
    return `End ${end}: loss ${loss?.toFixed(4)} nats per token, perplexity ${plain(perplexity)}${shown}.`;
  };
  return `${line("a")}\n${line("b")}`;
}

/** What was found, wrapped, with the layer's name shortened to fit. */
function findingLines(document: Measurement): string {
  const shorten = (name: string) => shortenNames([name], Math.max(leastWidth, terminalWidth() - 8))[0];
  return describeFinding(document, { shorten })
    .map((sentence) => wrapped(sentence, ""))
    .join("\n");
}
