// The report of one measurement of two checkpoints.
import type { Measurement } from "../connectivity/index.ts";
import { plain, signed } from "../core/index.ts";
import {
  allLayers,
  atAlpha,
  baseOf,
  dataAndSplit,
  drawn,
  isAtHalf,
  isLanguage,
  metricsOf,
  pictureName,
  samplesOf,
  scansOf,
  scanTitle,
  taskOf,
  unitsOf,
} from "./cells.ts";
import { describeBaseline, describeFinding, tilesOf } from "./finding.ts";
import { details, figures, meaning, pageHtml, paragraph, section, table, verdictTable } from "./page.ts";
import { limitOf } from "./pictures/scale.ts";
import { whiskersSvg } from "./pictures/whiskers.ts";
import type { Rendered } from "./run.ts";
import { cellsCsv } from "./table.ts";

const metricTitle = { loss: "Loss barrier", error: "Error barrier" } as const;

/**
 * Draws a measurement as one self-contained HTML page, its pictures as SVG, and its cells as CSV. Writes nothing.
 * @example
 * ```ts
 * import { measure, renderMeasurement } from "layerwise";
 *
 * const options = {
 *   a: "rings-a.safetensors",
 *   b: "rings-b.safetensors",
 *   model: { name: "mlp" },
 *   data: { name: "rings.mjs", samples: 50 },
 *   scans: ["full"],
 * };
 * const { document } = await measure(options);
 * const { html, csv } = renderMeasurement(document);
 * console.log(html.startsWith("<!doctype html>"), csv.trim().split("\n").length); // true 2
 * ```
 */
export function renderMeasurement(document: Measurement): Rendered {
  const scans = scansOf([document]);
  const rows = document.layers.map((layer) => layer.name);
  const base = baseOf(document);
  const pictures: Record<string, string> = {};
  const shown = metricsOf(document);
  for (const metric of shown) {
    const all = scans.map((scan) => rows.map((row) => drawn(document, scan, row, metric, base)));
    const values = all.flat().flatMap((view) => [view?.barrier ?? 0, ...(view?.interval ?? [])]);
    const limit = limitOf(values, metric === "loss" ? 0.1 : 5);
    const range = [Math.min(0, ...values), Math.max(limit / 4, ...values)] as const;
    scans.forEach((scan, i) => {
      pictures[`${pictureName(scan)}-${metric}`] = whiskersSvg({
        title: scanTitle(scan),
        rows,
        cells: all[i],
        range,
        limit,
      });
    });
  }
  const { data, model, ends, verdict } = document;
  const notes = [describeBaseline(document), ...(document.notes ?? [])].filter((text) => text !== undefined);
  const panels = (metric: string) => figures(scans.map((scan) => pictures[`${pictureName(scan)}-${metric}`]));
  const isOfText = isLanguage(document);
  const values = (of: { readonly loss: number | null; readonly error: number | null; perplexity?: number | null }) =>
    shown.flatMap((metric) => [plain(of[metric]), ...(metric === "loss" && isOfText ? [plain(of.perplexity)] : [])]);
  const valueNames = isOfText
    ? { loss: ["loss, nats per token", "perplexity"], error: ["next-token error %"] }
    : { loss: ["loss"], error: ["error %"] };
  const perplexity = isOfText ? ["perplexity"] : [];
  const basis = base === "mean" ? "mean over both bases" : `base ${base}`;
  const html = pageHtml({
    title: "Which layers of these two networks can be averaged?",
    subtitle: `${model.name} on the first ${data.samples.toLocaleString("en")} ${samplesOf(document)} of ${dataAndSplit(document)}${atAlpha(document)}${taskOf(document)}`,
    finding: verdict.reason,
    tiles: tilesOf(document),
    sections: [
      section(
        "Verdict",
        verdictTable(document),
        paragraph(describeFinding(document, { withEnds: true }).join(" ")),
        ...notes.map((note) => paragraph(note)),
      ),
      ...(scans.length
        ? shown.map((metric, i) =>
            section(
              `${metricTitle[metric]} (${unitsOf(document)[metric]}, ${basis})`,
              ...(i
                ? []
                : [
                    meaning(
                      `The line through a dot is its 95 % interval over the ${samplesOf(document)}.`,
                      isAtHalf(document),
                    ),
                  ]),
              panels(metric),
            ),
          )
        : []),
      section(
        "The two ends",
        table(
          ["end", ...shown.flatMap((metric) => valueNames[metric]), "file", "SHA-256"],
          (["a", "b"] as const).map((end) => [
            end,
            ...values(ends[end]),
            document[end].path,
            document[end].sha256.slice(0, 12),
          ]),
          false,
        ),
        details(
          "Distances by layer",
          table(
            ["layer", "Euclidean", "cosine"],
            [
              ...rows.map((row) => [
                row,
                plain(document.distance.layers[row]?.euclidean ?? null),
                plain(document.distance.layers[row]?.cosine ?? null),
              ]),
              ["all", plain(document.distance.full.euclidean), plain(document.distance.full.cosine)],
            ],
          ),
        ),
        details(
          "All numbers",
          table(
            ["layer", "scan", "base", "alpha", ...shown.map((metric) => `${metric} barrier`), ...perplexity],
            document.cells.map((c) => [
              c.layer ?? allLayers(document),
              c.scan,
              c.base ?? "",
              String(c.alpha),
              ...shown.map((metric) => signed(c[metric]?.barrier, metric === "loss" ? 4 : 2)),
              ...perplexity.map(() => plain(c.perplexity)),
            ]),
            false,
          ),
        ),
      ),
    ],
  });
  return { html, figures: pictures, csv: cellsCsv([{ document }]) };
}
