// The report of a run: a pair over its training.
import { type Metric, metrics } from "../connectivity/index.ts";
import {
  type BaseChoice,
  baseNames,
  baseOf,
  bases,
  drawn,
  fullOf,
  type Measured,
  metricNames,
  pictureName,
  samplesOf,
  scansOf,
  scanTitle,
  splitsOf,
  taskOf,
  unit,
} from "./cells.ts";
import { describeFinding, tilesOf } from "./finding.ts";
import { choice, details, figures, meaning, pageHtml, paragraph, section, table, verdictTable } from "./page.ts";
import { chartSvg, type Line } from "./pictures/curves.ts";
import { heatmapSvg, rampSvg } from "./pictures/heatmap.ts";
import { limitOf } from "./pictures/scale.ts";
import { type RunRecord, verdictOf } from "./run-record.ts";
import {
  claimSection,
  clientSection,
  distanceTable,
  figureTitle,
  numbersTable,
  pairSection,
  setup,
} from "./sections.ts";
import { cellsCsv } from "./table.ts";

/** A report and its parts: the page, pictures as SVG by name, and the cells as CSV. */
export interface Rendered {
  readonly html: string;
  /** Pictures by name, as SVG. */
  readonly figures: Readonly<Record<string, string>>;
  readonly csv: string;
}

export function renderRun(run: RunRecord): Rendered {
  const { measurements, recipe, unit: counted, figure } = run;
  const splits = splitsOf(measurements);
  const [shownSplit] = splits;
  const shown = measurements.filter((m) => m.split === shownSplit);
  const last = shown.at(-1)!;
  const scans = scansOf(shown.map((m) => m.document));
  const first = figure?.metric ?? "loss";
  const ordered = metrics.toSorted((x, y) => Number(y === first) - Number(x === first));
  const limits = limitsOf(measurements, splits);
  const base = baseOf(last.document);

  const heatmaps = Object.fromEntries(
    scans.map((scan) => [
      pictureName(scan),
      heatmapSvg({
        scan,
        title: scanTitle(scan),
        rows: rowsOf(last, scan),
        columns: shown.map((m) => String(m.epoch)),
        unit: counted,
        cells: gridCells(shown, rowsOf(last, scan), scan, first, base),
        shown: [metricNames[first], shownSplit, baseNames[base]].join(", "),
        limit: limits[`${first} ${shownSplit}`],
      }),
    ]),
  );
  const charts = chartsOf(run, shown);
  const pictures = { ...heatmaps, ...charts };

  const offered = base === "mean" ? bases : ([base] as const);
  const switches = `<div class="switches">${choice(
    "metric",
    ordered.map((value) => ({ value, label: value })),
  )}${choice(
    "split",
    splits.map((value) => ({ value, label: value })),
  )}${choice(
    "base",
    offered.map((value) => ({ value, label: value === "mean" ? "mean of both" : `end ${value}` })),
  )}</div>`;
  const counts = splits.map((split) => {
    const { samples } = measurements.findLast((m) => m.split === split)!.document.data;
    return `${samples.toLocaleString("en")} ${split}`;
  });
  const html = pageHtml({
    title: figure ? figureTitle(run) : `${run.name}: which layers can be averaged?`,
    subtitle: `${last.document.model.name} on ${last.document.data.name}, measured on the first ${counts.join(" and ")} ${samplesOf(last.document)}${taskOf(last.document)} · run ${run.hash}`,
    finding: `${verdictSentence(run)}At ${counted} ${last.epoch}, on the ${shownSplit} samples. ${describeFinding(last.document, { withEnds: true }).join(" ")}`,
    tiles: tilesOf(last.document),
    sections: [
      ...claimSection(run),
      ...(last.document.cells.some(({ scan }) => scan === "single")
        ? [
            section(
              `Which layers can be averaged at ${counted} ${last.epoch}`,
              verdictTable(last.document),
              paragraph(last.document.verdict.reason),
            ),
          ]
        : []),
      ...(scans.length
        ? [
            section(
              `Barrier by layer and ${counted}`,
              meaning("Numbers whose 95 % interval over the samples includes zero are faint."),
              switches,
              rampSvg(limits[`${first} ${shownSplit}`], unit[first]),
              figures(Object.values(heatmaps)),
            ),
          ]
        : []),
      section("All layers averaged, and the distance of the networks", figures(Object.values(charts))),
      ...(run.clients ? [clientSection(run.clients)] : []),
      ...((run.pairs?.length ?? 0) > 1 ? [pairSection(run)] : []),
      section(
        "Set-up",
        table(["setting", "value"], setup(recipe), false),
        details(`Distances by layer at ${counted} ${last.epoch}`, distanceTable(last)),
        details(`All numbers at ${counted} ${last.epoch}`, numbersTable(last, scans)),
        paragraph(
          `Pictures are in figures/ as SVG and PNG, numbers in cells.csv and cells.parquet. To redraw this page from the stored results, run layerwise report with the name of this folder.`,
          "faint",
        ),
      ),
    ],
    cells: {
      limits,
      metricNames,
      baseNames,
      scans: Object.fromEntries(
        scans.map((scan) => {
          const grid = { rows: rowsOf(last, scan), epochs: shown.map(({ epoch }) => epoch) };
          return [scan, scanData(measurements, scan, grid, splits, offered)];
        }),
      ),
    },
  });
  return { html, figures: pictures, csv: cellsCsv(measurements) };
}

/** The line charts that have data, by the names of their pictures. */
function chartsOf({ measurements, log, unit: x }: RunRecord, shown: readonly Measured[]): Record<string, string> {
  const charts = {
    "full-loss": chartSvg({
      x,
      title: "Full barrier, loss (nats)",
      zero: true,
      lines: fullLines(measurements, "loss"),
    }),
    "full-error": chartSvg({
      x,
      title: "Full barrier, error (points)",
      zero: true,
      lines: fullLines(measurements, "error"),
    }),
    ends: chartSvg({
      x,
      title: `Loss of the ends and of their average (nats, ${shown[0].split})`,
      lines: endLines(shown),
    }),
    euclidean: chartSvg({ x, title: "Euclidean distance", zero: true, lines: distanceLines(shown, "euclidean") }),
    cosine: chartSvg({ x, title: "Cosine similarity", lines: distanceLines(shown, "cosine") }),
    training: chartSvg({ x, title: "Training loss (nats, logarithmic)", logarithmic: true, lines: trainingLines(log) }),
  };
  return Object.fromEntries(Object.entries(charts).filter(([, svg]) => svg));
}

function limitsOf(points: readonly Measured[], splits: readonly string[]) {
  const limit = (split: string, metric: Metric) =>
    heatmapLimit(
      points.filter((m) => m.split === split),
      metric,
    );
  return Object.fromEntries(
    splits.flatMap((split) => metrics.map((metric) => [`${metric} ${split}`, limit(split, metric)])),
  );
}

/** The rows: in the model's order, or for other orders (random, minimal …) as they were added. */
function rowsOf({ document }: Measured, scan: string): string[] {
  const names = document.layers.map((layer) => layer.name);
  if (["single", "shallow", "deep"].includes(scan)) return names;
  return [...new Set(document.cells.filter((cell) => cell.scan === scan).map((cell) => cell.layer!))];
}

function gridCells(
  points: readonly (Measured | undefined)[],
  rows: readonly string[],
  scan: string,
  metric: Metric,
  base: BaseChoice,
) {
  return rows.map((row) => points.map((m) => m && drawn(m.document, scan, row, metric, base)));
}

/** The scale covers all barriers, including the full one: a single layer is pale compared with all layers. */
function heatmapLimit(points: readonly Measured[], metric: Metric): number {
  const values = points.flatMap(({ document }) => document.cells.map((cell) => cell[metric]?.barrier));
  return limitOf(values, metric === "loss" ? 0.25 : 10);
}

/**
 * Data for the page's script: [barrier, low, high, value] by `metric split base`, in the rows and columns of the
 * picture.
 */
function scanData(
  points: readonly Measured[],
  scan: string,
  { rows, epochs }: { rows: readonly string[]; epochs: readonly number[] },
  splits: readonly string[],
  offered: readonly BaseChoice[],
) {
  return Object.fromEntries(
    metrics.flatMap((metric) =>
      splits.flatMap((split) =>
        offered.map((base) => {
          const chosen = epochs.map((epoch) => points.find((m) => m.split === split && m.epoch === epoch));
          const cells = gridCells(chosen, rows, scan, metric, base);
          return [
            `${metric} ${split} ${base}`,
            cells.map((row) => row.map((v) => v && [v.barrier, v.interval?.[0], v.interval?.[1], v.value])),
          ];
        }),
      ),
    ),
  );
}

function fullLines(points: readonly Measured[], metric: Metric): Line[] {
  return splitsOf(points).map((split) => ({
    name: split,
    isDashed: split !== "train",
    points: points
      .filter((m) => m.split === split)
      .flatMap(({ epoch, document }) => {
        const full = fullOf(document)?.[metric];
        return full ? [{ x: epoch, y: full.barrier, band: full.interval }] : [];
      }),
  }));
}

function endLines(points: readonly Measured[]): Line[] {
  const line = (name: string, of: (document: Measured["document"]) => number | null | undefined): Line => ({
    name,
    points: points.map(({ epoch, document }) => ({ x: epoch, y: of(document) ?? null })),
  });
  return [
    line("end a", ({ ends }) => ends.a.loss),
    line("end b", ({ ends }) => ends.b.loss),
    line("average", (document) => fullOf(document)?.loss?.value),
  ].filter(({ points: p }) => p.some(({ y }) => y !== null));
}

function distanceLines(points: readonly Measured[], kind: "euclidean" | "cosine"): Line[] {
  const line = (name: string, of: (m: Measured) => number | null | undefined): Line => ({
    name,
    points: points.map((m) => ({ x: m.epoch, y: of(m) ?? null })),
  });
  return [
    line("a to b", (m) => m.document.distance.full[kind]),
    line("a to initial", (m) => m.document.distance.from_init?.a.full[kind]),
    line("b to initial", (m) => m.document.distance.from_init?.b.full[kind]),
  ].filter(({ points: p }) => p.some(({ y }) => y !== null));
}

function trainingLines(log: RunRecord["log"]): Line[] {
  return [...new Set(log.map((entry) => entry.network))].map((network) => ({
    name: `network ${network}`,
    points: log.filter((entry) => entry.network === network).map(({ epoch, loss }) => ({ x: epoch, y: loss })),
  }));
}

/** `Holds: 2 of 2 claims. `; empty without claims. */
function verdictSentence(run: RunRecord): string {
  const { claims = [] } = run;
  if (claims.length === 0) return "";
  const holding = claims.filter(({ verdict }) => verdict === "holds").length;
  const verdict = verdictOf(run).replace(/^./, (c) => c.toUpperCase());
  return `${verdict}: ${holding} of ${claims.length} ${claims.length === 1 ? "claim holds" : "claims hold"}. `;
}
