// The report of a run: a pair over its epochs.
import {
  type BaseChoice,
  baseOf,
  bases,
  drawn,
  fullOf,
  type Measured,
  type Metric,
  metrics,
  pictureName,
  scansOf,
  scanTitle,
  unit,
  viewOf,
} from "./cells.ts";
import { cellsCsv } from "./csv.ts";
import { chartSvg, type Line } from "./curves.ts";
import { finding, tilesOf } from "./finding.ts";
import { heatmapSvg, rampSvg } from "./heatmap.ts";
import { plain, signed } from "./numbers.ts";
import { choice, details, figures, meaning, pageHtml, paragraph, section, table, verdictTable } from "./page.ts";
import { limitOf } from "./scale.ts";

export interface RunRecord {
  readonly name: string;
  readonly hash: string;
  /** The recipe as plain values. */
  readonly recipe: Readonly<Record<string, unknown>>;
  readonly log: readonly {
    network: string;
    epoch: number;
    loss: number;
    error: number;
    rate: number;
    seconds: number;
  }[];
  readonly measurements: readonly Measured[];
  /** What the recipe says must be seen, and whether it is. */
  readonly claims?: readonly { readonly says: string; readonly verdict: string; readonly numbers: string }[];
}

export interface Rendered {
  readonly html: string;
  /** Pictures by name, as SVG. */
  readonly figures: Readonly<Record<string, string>>;
  readonly csv: string;
}

export function renderRun(run: RunRecord): Rendered {
  const { measurements, recipe, log } = run;
  const shownSplit = measurements.some((m) => m.split === "train") ? "train" : "test";
  const shown = measurements.filter((m) => m.split === shownSplit);
  const last = shown.at(-1)!;
  const scans = scansOf(shown.map((m) => m.document));
  const pictures: Record<string, string> = {};
  const splits = [...new Set(measurements.map((m) => m.split))].sort(
    (x, y) => Number(y === shownSplit) - Number(x === shownSplit),
  );
  const limits: Record<string, number> = {};
  for (const split of splits) {
    for (const metric of metrics)
      limits[`${metric} ${split}`] = heatmapLimit(
        measurements.filter((m) => m.split === split),
        scans,
        metric,
      );
  }
  const base = baseOf(last.document);

  for (const scan of scans)
    pictures[pictureName(scan)] = heatmapSvg({
      scan,
      title: scanTitle(scan),
      rows: rowsOf(last, scan),
      columns: shown.map((m) => String(m.epoch)),
      cells: gridCells(shown, rowsOf(last, scan), scan, "loss", base),
      limit: limits[`loss ${shownSplit}`],
    });
  const charts: Record<string, string> = {
    "full-loss": chartSvg({ title: "Full barrier, loss (nats)", zero: true, lines: fullLines(measurements, "loss") }),
    "full-error": chartSvg({
      title: "Full barrier, error (points)",
      zero: true,
      lines: fullLines(measurements, "error"),
    }),
    euclidean: chartSvg({ title: "Euclidean distance", zero: true, lines: distanceLines(shown, "euclidean") }),
    cosine: chartSvg({ title: "Cosine similarity", lines: distanceLines(shown, "cosine") }),
    training: chartSvg({ title: "Training loss (nats, logarithmic)", logarithmic: true, lines: trainingLines(log) }),
  };
  Object.assign(pictures, Object.fromEntries(Object.entries(charts).filter(([, svg]) => svg)));

  const offered = base === "mean" ? bases : ([base] as const);
  const switches = `<div class="switches">${choice(
    "metric",
    metrics.map((value) => ({ value, label: value })),
  )}${choice(
    "split",
    splits.map((value) => ({ value, label: value })),
  )}${choice(
    "base",
    offered.map((value) => ({ value, label: value === "mean" ? "mean of both" : `end ${value}` })),
  )}</div>`;
  const samples = shown.at(-1)!.document.data;
  const html = pageHtml({
    title: `${run.name}: which layers can be averaged?`,
    subtitle: `${last.document.model.name} on ${samples.name}, measured on the first ${samples.samples.toLocaleString("en")} samples of ${measurements.length > shown.length ? "each split" : shownSplit} · run ${run.hash}`,
    finding: `After epoch ${last.epoch}, ${finding(last.document)}`,
    tiles: tilesOf(last.document),
    sections: [
      section(
        "Barrier by layer and epoch",
        meaning,
        switches,
        rampSvg(limits[`loss ${shownSplit}`], unit.loss),
        figures(scans.map((scan) => pictures[pictureName(scan)])),
      ),
      section(
        "All layers averaged, and how far the networks are apart",
        figures(Object.keys(charts).map((name) => pictures[name] ?? "")),
      ),
      ...(run.claims?.length
        ? [
            section(
              "What must be seen",
              table(
                ["claim", "verdict", "numbers"],
                run.claims.map(({ says, verdict, numbers }) => [says, verdict, numbers]),
              ),
            ),
          ]
        : []),
      section("Verdict at the last epoch", paragraph(last.document.verdict.reason), verdictTable(last.document)),
      section(
        "Set-up",
        table(["setting", "value"], setup(recipe), false),
        details("Distances of each layer at the last epoch", distanceTable(last)),
        details("Every number of the heatmaps' last column", numbersTable(last, scans)),
        paragraph(`Redraw this page from the stored results: layerwise report runs/${run.name}-${run.hash}`, "faint"),
      ),
    ],
    cells: {
      limits,
      scans: Object.fromEntries(scans.map((scan) => [scan, scanData(measurements, scan, splits, offered)])),
    },
  });
  return { html, figures: pictures, csv: cellsCsv(measurements) };
}

/** Layers down: in the model's order, but for an order of its own (random, minimal …) in which they were added. */
function rowsOf({ document }: Measured, scan: string): string[] {
  const names = document.layers.map((layer) => layer.name);
  if (["single", "shallow", "deep"].includes(scan)) return names;
  return [...new Set(document.cells.filter((cell) => cell.scan === scan).map((cell) => cell.layer!))];
}

function gridCells(
  points: readonly Measured[],
  rows: readonly string[],
  scan: string,
  metric: Metric,
  base: BaseChoice,
) {
  return rows.map((row) => points.map((m) => drawn(m.document, scan, row, metric, base)));
}

function heatmapLimit(points: readonly Measured[], scans: readonly string[], metric: Metric): number {
  const values = points.flatMap(({ document }) =>
    document.cells.filter((cell) => scans.includes(cell.scan)).map((cell) => viewOf(cell, metric).barrier),
  );
  return limitOf(values, metric === "loss" ? 0.1 : 5);
}

/** For the page's script: [barrier, low, high, value] by `metric split base`, layer and epoch. */
function scanData(
  points: readonly Measured[],
  scan: string,
  splits: readonly string[],
  offered: readonly BaseChoice[],
) {
  const round = (x: number | null | undefined) => (x === null || x === undefined ? null : Number(x.toPrecision(5)));
  return Object.fromEntries(
    metrics.flatMap((metric) =>
      splits.flatMap((split) =>
        offered.map((base) => {
          const chosen = points.filter((m) => m.split === split);
          const cells = gridCells(chosen, rowsOf(chosen[0], scan), scan, metric, base);
          return [
            `${metric} ${split} ${base}`,
            cells.map((row) => row.map((v) => v && [v.barrier, v.interval?.[0], v.interval?.[1], v.value].map(round))),
          ];
        }),
      ),
    ),
  );
}

function fullLines(points: readonly Measured[], metric: Metric): Line[] {
  return [...new Set(points.map((m) => m.split))]
    .toSorted()
    .reverse()
    .map((split) => ({
      name: split,
      isDashed: split === "test",
      points: points
        .filter((m) => m.split === split)
        .flatMap(({ epoch, document }) => {
          const cell = fullOf(document);
          const view = cell && viewOf(cell, metric);
          return view ? [{ x: epoch, y: view.barrier, band: view.interval }] : [];
        }),
    }));
}

function distanceLines(points: readonly Measured[], kind: "euclidean" | "cosine"): Line[] {
  const line = (name: string, of: (m: Measured) => number | null | undefined): Line => ({
    name,
    points: points.map((m) => ({ x: m.epoch, y: of(m) ?? null })),
  });
  return [
    line("a and b", (m) => m.document.distance.full[kind]),
    line("a, its start", (m) => m.document.distance.from_init?.a.full[kind]),
    line("b, its start", (m) => m.document.distance.from_init?.b.full[kind]),
  ].filter(({ points: p }) => p.some(({ y }) => y !== null));
}

function trainingLines(log: RunRecord["log"]): Line[] {
  return [...new Set(log.map((entry) => entry.network))].map((network) => ({
    name: `network ${network}`,
    points: log.filter((entry) => entry.network === network).map(({ epoch, loss }) => ({ x: epoch, y: loss })),
  }));
}

function setup(recipe: Readonly<Record<string, unknown>>): string[][] {
  return Object.entries(recipe).flatMap(([key, value]) =>
    value && typeof value === "object" && !Array.isArray(value)
      ? Object.entries(value).map(([inner, v]) => [`${key}.${inner}`, Array.isArray(v) ? v.join(", ") : String(v)])
      : [[key, String(value)]],
  );
}

function distanceTable({ document: { distance, layers } }: Measured): string {
  const row = (
    name: string,
    of: (d: typeof distance | NonNullable<typeof distance.from_init>["a"]) => {
      euclidean: number;
      cosine: number | null;
    },
  ) => {
    const parts = [distance, distance.from_init?.a, distance.from_init?.b].map((d) => d && of(d));
    return [name, ...parts.flatMap((d) => [plain(d?.euclidean ?? null), plain(d?.cosine ?? null)])];
  };
  const head = ["layer", "a to b", "cosine", "a from its start", "cosine", "b from its start", "cosine"];
  return table(head, [...layers.map(({ name }) => row(name, (d) => d.layers[name])), row("all", (d) => d.full)]);
}

function numbersTable({ document }: Measured, scans: readonly string[]): string {
  const rows = document.layers.flatMap(({ name }) =>
    scans.flatMap((scan) => {
      const [loss, error] = metrics.map((metric) => drawn(document, scan, name, metric, "mean"));
      return loss && error ? [[name, scan, signed(loss.barrier, 4), signed(error.barrier, 2)]] : [];
    }),
  );
  return table(["layer", "scan", "loss barrier (nats)", "error barrier (points)"], rows);
}
