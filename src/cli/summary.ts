// What a run and a measurement look like in the terminal: heatmaps, the full barrier, one sentence, where the files are.
import type { Measurement } from "../connectivity/index.ts";
import { type RunRecord, signed } from "../report/index.ts";
import { colourOf, drawHeatmap } from "./heatmap.ts";

type MeasuredCell = Measurement["cells"][number];

const columns = () => Math.min(process.stdout.columns ?? 80, 120);

/** Mean over the bases of a scan's loss barrier at a layer; null where it was not measured or is not finite. */
function barrierAt(cells: readonly MeasuredCell[], scan: string, layer: string): number | null {
  const values = cells
    .filter((cell) => cell.scan === scan && cell.layer === layer && cell.alpha === 0.5)
    .map((cell) => cell.loss_barrier);
  if (values.length === 0 || values.some((value) => value === null)) return null;
  return values.reduce((sum: number, value) => sum + value!, 0) / values.length;
}

const fullCell = ({ cells }: Measurement) => cells.find((cell) => cell.scan === "full" && cell.alpha === 0.5);

/** A run: single-layer and deep barriers over the epochs, the full barrier, the sentence, the report. */
export function showRun({ name, measurements }: RunRecord, page: string): string {
  const split = measurements.some((m) => m.split === "train") ? "train" : "test";
  const points = measurements.filter((m) => m.split === split);
  const last = points.at(-1)!.document;
  const scans = ["single", "deep"].filter((scan) => last.cells.some((cell) => cell.scan === scan));
  const heatmaps = scans.map((scan) =>
    drawHeatmap({
      title: `${name}: loss barrier of ${scan === "single" ? "each layer alone" : "all from the output up to each layer"}, by epoch`,
      rows: last.layers.map((layer) => layer.name),
      columns: points.map((m) => String(m.epoch)),
      values: last.layers.map((layer) => points.map((m) => barrierAt(m.document.cells, scan, layer.name))),
      width: columns(),
      colour: colourOf(process.stdout, process.env),
    }),
  );
  const full = points.map((m) => `${m.epoch}: ${signed(fullCell(m.document)?.loss_barrier, 2)}`).join(" · ");
  return [...heatmaps, `All layers averaged, loss barrier:\n${full}`, conclusion(last), `The report: ${page}`].join(
    "\n\n",
  );
}

/** One measurement: the layers down, the scans across, then the verdict. */
export function showMeasurement(document: Measurement, folder: string): string {
  const scans = [...new Set(document.cells.map((cell) => cell.scan))].filter((scan) => scan !== "full");
  const heatmap = drawHeatmap({
    title: `Loss barrier on ${document.data.samples} samples of ${document.data.name} (${document.data.split}), mean over the bases`,
    rows: document.layers.map((layer) => layer.name),
    columns: scans,
    values: document.layers.map((layer) => scans.map((scan) => barrierAt(document.cells, scan, layer.name))),
    width: columns(),
    colour: colourOf(process.stdout, process.env),
  });
  const { a, b } = document.ends;
  const ends = `Ends: a loss ${a.loss?.toFixed(4)}, error ${a.error.toFixed(1)} %; b loss ${b.loss?.toFixed(4)}, error ${b.error.toFixed(1)} %.`;
  return [
    ...(scans.length ? [heatmap] : []),
    ends,
    conclusion(document),
    document.verdict.reason,
    `The report: ${folder}/report.html`,
  ].join("\n\n");
}

/** The finding in a sentence. */
function conclusion(document: Measurement): string {
  const full = fullCell(document);
  const parts = full
    ? [
        `Averaging all layers: loss barrier ${signed(full.loss_barrier, 2)}, error barrier ${signed(full.error_barrier, 1)} points.`,
      ]
    : [];
  const singles = document.layers
    .map((layer) => ({ name: layer.name, value: barrierAt(document.cells, "single", layer.name) }))
    .filter((single) => single.value !== null)
    .sort((x, y) => x.value! - y.value!);
  if (singles.length) {
    const worst = singles.at(-1)!;
    const middle = singles[Math.floor(singles.length / 2)].value;
    parts.push(`One layer alone: median ${signed(middle, 3)}, at most ${signed(worst.value, 2)} (${worst.name}).`);
  }
  return parts.join("\n");
}
