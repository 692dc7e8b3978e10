// One scan of one measurement: a dot with its interval for each layer. Zero is a line; right of it is worse.
import type { Scored } from "../../connectivity/index.ts";
import { escapeHtml } from "../escape.ts";
import { labelTicks, niceTicks } from "./curves.ts";
import { tip } from "./heatmap.ts";
import { colourOf, css } from "./scale.ts";
import { pictureStyle } from "./style.ts";

export interface Whiskers {
  readonly title: string;
  readonly rows: readonly string[];
  readonly cells: readonly (Scored | undefined)[];
  /** The range of values, the same for all panels. */
  readonly range: readonly [number, number];
  readonly limit: number;
}

const rowHeight = 17;
const head = 26;

export function whiskersSvg({ title, rows, cells, range, limit }: Whiskers): string {
  const left = 12 + 6.6 * Math.max(...rows.map((row) => row.length), 6);
  const width = left + 270;
  const bottom = head + rows.length * rowHeight;
  const ticks = niceTicks(range[0], range[1], false);
  const [low, high] = [Math.min(range[0], ticks[0]), Math.max(range[1], ticks.at(-1)!)];
  const x = (value: number) => left + ((value - low) / (high - low)) * 250;
  const labels = labelTicks(ticks);
  const grid = ticks.map(
    (t, i) =>
      `<line class="${t === 0 ? "zero" : "grid"}" x1="${x(t)}" x2="${x(t)}" y1="${head}" y2="${bottom}"/><text class="axis" x="${x(t)}" y="${bottom + 14}" text-anchor="middle">${labels[i]}</text>`,
  );
  const marks = rows.map((row, i) => {
    const view = cells[i];
    const y = head + (i + 0.5) * rowHeight;
    const name = `<text class="axis" x="${left - 6}" y="${y + 4}" text-anchor="end">${escapeHtml(row)}</text>`;
    if (!view) return name;
    if (view.barrier === null) return `${name}<text class="axis" x="${x(0) + 6}" y="${y + 4}">not finite</text>`;
    const whisker = view.interval
      ? `<line stroke="#777" x1="${x(view.interval[0])}" x2="${x(view.interval[1])}" y1="${y}" y2="${y}"/>`
      : "";
    return `${name}<g class="cell" tabindex="0" data-tip="${escapeHtml(tip(row, view))}"><rect x="${left}" y="${y - rowHeight / 2}" width="250" height="${rowHeight}" fill="transparent"/>${whisker}<circle cx="${x(view.barrier)}" cy="${y}" r="4" stroke="#555" stroke-width=".7" fill="${css(colourOf(view.barrier, limit))}"/></g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" class="whiskers" role="group" aria-label="${escapeHtml(title)}: barrier by layer" viewBox="0 0 ${Math.ceil(width)} ${bottom + 20}" width="${Math.ceil(width)}" font-family="system-ui, sans-serif" font-size="11">${pictureStyle}<text class="panel-title" x="2" y="14">${escapeHtml(title)}</text>${grid.join("")}${marks.join("")}</svg>`;
}
