// A heatmap of one scan: a row per layer, a column per epoch, the number in each cell. The page's script recolours it
// when a switch changes.
import type { Scored } from "../../connectivity/index.ts";
import { plain, short, signed } from "../../core/index.ts";
import { escapeHtml } from "../escape.ts";
import { colourOf, css, isLight } from "./scale.ts";
import { pictureStyle } from "./style.ts";

export interface Heatmap {
  readonly scan: string;
  readonly title: string;
  /** Layer names, the first one on top. */
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  /** Unit of the columns. */
  readonly unit?: "epoch" | "step";
  /** By row, then column; undefined if not measured. */
  readonly cells: readonly (readonly (Scored | undefined)[])[];
  /** Metric, split and base of the numbers. The page's script updates it when a switch changes. */
  readonly shown: string;
  /** The value at the end of the colour scale. */
  readonly limit: number;
}

const rowHeight = 19;
const head = 56;
/** Room for the longest caption; its words change with the page's switches. */
const captionWidth = 348;

export function heatmapSvg({ scan, title, rows, columns, unit = "epoch", cells, shown, limit }: Heatmap): string {
  const left = 12 + 6.6 * Math.max(...rows.map((row) => row.length), 6);
  const columnWidth = Math.max(20, Math.min(46, 380 / columns.length));
  const width = Math.max(left + columns.length * columnWidth + 8, captionWidth);
  const height = head + rows.length * rowHeight + 8;
  const parts = [
    `<text class="panel-title" x="2" y="14">${escapeHtml(title)}</text>`,
    `<text class="axis" x="2" y="29"><tspan data-shown="">${escapeHtml(shown)}</tspan>; colours to ±<tspan data-limit="">${plain(limit, 2)}</tspan></text>`,
    `<text class="axis" x="${left - 6}" y="${head - 6}" text-anchor="end">${unit}</text>`,
    ...columns.map(
      (column, j) =>
        `<text class="axis" x="${left + (j + 0.5) * columnWidth}" y="${head - 6}" text-anchor="middle">${escapeHtml(column)}</text>`,
    ),
    ...rows.map(
      (row, i) =>
        `<text class="axis" x="${left - 6}" y="${head + (i + 0.7) * rowHeight}" text-anchor="end">${escapeHtml(row)}</text>`,
    ),
  ];
  rows.forEach((row, i) => {
    columns.forEach((column, j) => {
      const view = cells[i][j];
      if (!view) return;
      const [x, y] = [left + j * columnWidth, head + i * rowHeight];
      const colour = view.barrier === null ? undefined : colourOf(view.barrier, limit);
      const text = columnWidth < 26 ? "" : short(view.barrier);
      parts.push(
        `<g class="cell" tabindex="0" data-at="${i},${j}" data-place="${escapeHtml(`${row}, ${unit} ${column}`)}" data-tip="${escapeHtml(tip(`${row}, ${unit} ${column}`, view))}">` +
          `<rect x="${x}" y="${y}" width="${columnWidth - 1}" height="${rowHeight - 1}" fill="${colour ? css(colour) : "url(#hatch)"}"/>` +
          `<text class="${classOf(view, limit)}" x="${x + columnWidth / 2 - 0.5}" y="${y + 13}" text-anchor="middle">${text}</text></g>`,
      );
    });
  });
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" class="heatmap" data-scan="${escapeHtml(scan)}" role="group" aria-label="${escapeHtml(title)}: barrier by layer and ${unit}" ` +
    `viewBox="0 0 ${Math.ceil(width)} ${height}" width="${Math.ceil(width)}" font-family="system-ui, sans-serif" font-size="11">${pictureStyle}${hatch}${parts.join("")}</svg>`
  );
}

/** Dark or white text by the cell's colour; faint if the interval includes zero. */
function classOf({ barrier, interval }: Scored, limit: number): string {
  const shade = barrier === null || isLight(colourOf(barrier, limit)) ? "on-light" : "on-dark";
  const isUnsure = interval !== null && interval[0] <= 0 && interval[1] >= 0;
  return isUnsure ? `${shade} unsure` : shade;
}

/** The text for hover and focus. */
export function tip(place: string, { barrier, interval, value }: Scored): string {
  const range = interval ? ` (95 %: ${signed(interval[0], 3)} to ${signed(interval[1], 3)})` : "";
  return `${place}\nbarrier ${signed(barrier, 3)}${range}\nvalue ${plain(value)}`;
}

/** The colour scale with its limits and zero. */
export function rampSvg(limit: number, unit: string): string {
  const steps = 60;
  const bars = Array.from(
    { length: steps },
    (_, i) =>
      `<rect x="${60 + i * 4}" y="2" width="4.5" height="12" fill="${css(colourOf((2 * (i + 0.5)) / steps - 1, 1))}"/>`,
  );
  const labels = [
    `<text x="55" y="12" text-anchor="end" class="axis" data-ramp="low">${signed(-limit, 2)}</text>`,
    `<text x="180" y="28" text-anchor="middle" class="axis">0</text>`,
    `<text x="305" y="12" class="axis" data-ramp="high">${signed(limit, 2)}</text>`,
    `<text x="60" y="28" class="axis">better</text><text x="300" y="28" text-anchor="end" class="axis">worse</text>`,
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" class="ramp" role="img" aria-label="Colour scale from ${signed(-limit, 2)} to ${signed(limit, 2)} ${unit}" viewBox="0 0 370 32" width="370" font-family="system-ui, sans-serif" font-size="11">${pictureStyle}${bars.join("")}${labels.join("")}</svg>`;
}

const hatch =
  '<defs><pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="5" height="5" fill="#ddd"/><rect width="2" height="5" fill="#999"/></pattern></defs>';
