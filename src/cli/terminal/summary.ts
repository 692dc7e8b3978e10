// What a run and a measurement look like in the terminal: heatmaps, the full barrier, one sentence, where the files are.
import type { Measurement } from "../../connectivity/index.ts";
import type { Written } from "../../experiments/index.ts";
import {
  allLayers,
  atWeight,
  baselineSentence,
  baseOf,
  drawn,
  fullOf,
  isLanguage,
  metricsOf,
  plain,
  type RunRecord,
  samplesOf,
  scansOf,
  scanTitle,
  signed,
  singles,
  splitsOf,
  verdictOf,
} from "../../report/index.ts";
import { colourOf, drawHeatmap } from "./heatmap.ts";
import { leastWidth, shortenNames } from "./names.ts";
import { wrapped } from "./wrap.ts";

const width = () => process.stdout.columns ?? 80;

/** Mean over the measured bases of a scan's barrier at a layer; null where it is not finite, undefined where there is none. */
const barrierAt = (document: Measurement, scan: string, layer: string, metric: "loss" | "error" = "loss") =>
  drawn(document, scan, layer, metric, "mean")?.barrier;

/** A run: single-layer and deep barriers over the epochs, the full barrier, the sentence, the report. */
export function showRun({ name, unit, measurements, claims = [] }: RunRecord, page: string): string {
  const [split] = splitsOf(measurements);
  const points = measurements.filter((m) => m.split === split);
  const last = points.at(-1)!.document;
  const scans = scansOf([last]).slice(0, 2);
  const heatmaps = scans.map((scan) =>
    drawHeatmap({
      title: `${name}: loss barrier, by ${unit}. ${scanTitle(scan)}`,
      rows: last.layers.map((layer) => layer.name),
      columns: points.map((m) => String(m.epoch)),
      values: last.layers.map((layer) => points.map((m) => barrierAt(m.document, scan, layer.name))),
      isSeries: true,
      width: width(),
      colour: colourOf(process.stdout, process.env),
    }),
  );
  const full = points.map((m) => `${m.epoch}: ${signed(fullOf(m.document)?.loss?.barrier, 2)}`).join(" · ");
  const judged = claims.map(claimLine);
  return [
    ...heatmaps,
    `All layers averaged, loss barrier:\n${full}`,
    conclusion(last),
    ...(judged.length ? [judged.join("\n")] : []),
    `The report: ${page}`,
  ].join("\n\n");
}

const claimLine = ({ says, verdict, numbers }: NonNullable<RunRecord["claims"]>[number]) =>
  wrapped(`${verdict.toUpperCase()}: ${says} (${numbers}).`, "  ");

/** Several experiments: each one's verdict and claims, or where its page is when it claims nothing, then how many hold. */
export function showClaims(written: readonly Written[], overview?: string): string {
  const blocks = written.map(({ record, page }) => {
    const claims = (record.claims ?? []).map((claim) => `  ${claimLine(claim)}`);
    return [`${record.name}: ${claims.length ? verdictOf(record) : `no claims; ${page}`}`, ...claims].join("\n");
  });
  const verdicts = written.map(({ record }) => verdictOf(record)).filter((verdict) => verdict !== "no claims");
  const holding = verdicts.filter((verdict) => verdict === "holds").length;
  return [
    blocks.join("\n"),
    ...(verdicts.length ? [`${holding} of ${verdicts.length} experiments show what must be seen.`] : []),
    ...(overview ? [`The report: ${overview}`] : []),
  ].join("\n\n");
}

/** One measurement: the layers down, the scans across, then the verdict. */
export function showMeasurement(document: Measurement, folder: string): string {
  const scans = scansOf([document]);
  const [metric = "loss"] = metricsOf(document);
  const what = metric === "loss" ? "Loss barrier" : "Error barrier, points,";
  const base = baseOf(document);
  const bases = base === "mean" ? "mean over the bases" : `on base ${base}`;
  const { samples, name, split } = document.data;
  const heatmap = drawHeatmap({
    title: wrapped(
      `${what} on ${samples} ${samplesOf(document)} of ${name} (${split})${atWeight(document)}, ${bases}`,
      "",
      0,
    ),
    rows: document.layers.map((layer) => layer.name),
    columns: scans,
    values: document.layers.map((layer) => scans.map((scan) => barrierAt(document, scan, layer.name, metric))),
    unit: metric === "loss" ? 0.1 : 5,
    width: width(),
    colour: colourOf(process.stdout, process.env),
  });
  return [
    ...(scans.length ? [heatmap] : []),
    ...(typeof document.model.task === "string" ? [wrapped(`Task: ${document.model.task}.`, "")] : []),
    isLanguage(document) ? endsOfText(document) : endsSentence(document),
    conclusion(document),
    ...[document.verdict.reason, baselineSentence(document), ...(document.notes ?? []).map((note) => `Note: ${note}`)]
      .filter((text) => text !== undefined)
      .map((text) => wrapped(text, "")),
    `The report: ${folder}/report.html`,
  ].join("\n\n");
}

/** What the two ends reach by themselves. */
function endsSentence(document: Measurement): string {
  const { a, b } = document.ends;
  const told = ({ loss, error }: typeof a) =>
    [
      ...(loss === null ? [] : [`loss ${loss.toFixed(4)}`]),
      ...(error === null ? [] : [`error ${error.toFixed(1)} %`]),
    ].join(", ");
  return `Ends: a ${told(a)}; b ${told(b)}.`;
}

/** Of a language model, a line an end. */
function endsOfText({ ends }: Measurement): string {
  const line = (end: "a" | "b") => {
    const { loss, perplexity, error } = ends[end];
    const told = error === null ? "" : `, next-token error ${error.toFixed(1)} %`;
    return `End ${end}: loss ${loss?.toFixed(4)} nats per token, perplexity ${plain(perplexity)}${told}.`;
  };
  return `${line("a")}\n${line("b")}`;
}

/** The finding in a sentence. */
function conclusion(document: Measurement): string {
  const full = fullOf(document);
  const alone = singles(document);
  const barriers = {
    loss: () => `loss barrier ${signed(full?.loss?.barrier)}`,
    error: () => `error barrier ${signed(full?.error?.barrier, 1)} points`,
  };
  const told = metricsOf(document).map((metric) => barriers[metric]());
  if (isLanguage(document)) told.push(`perplexity ${plain(full?.perplexity)}`);
  const parts = full ? [`Averaging ${allLayers(document)}: ${told.join(", ")}.`] : [];
  if (alone) {
    const { median, worst } = alone;
    const [name] = shortenNames([worst.name], Math.max(leastWidth, width() - 8));
    parts.push(`One layer alone: median ${signed(median, 3)}, at most ${signed(worst.barrier)} (${name}).`);
  }
  return parts.map((part) => wrapped(part, "")).join("\n");
}
