// Line charts over epochs or steps: a few named lines, optionally with bands; values on hover.
import { plain } from "../../core/index.ts";
import { escapeHtml } from "../escape.ts";
import { pictureStyle } from "./style.ts";

export interface CurvePoint {
  readonly x: number;
  readonly y: number | null;
  /** The interval around y. */
  readonly band?: readonly [number, number] | null;
}

export interface Line {
  readonly name: string;
  readonly points: readonly CurvePoint[];
  readonly isDashed?: boolean;
}

export interface Chart {
  readonly title: string;
  readonly lines: readonly Line[];
  /** Label of the x axis. */
  readonly x?: string;
  /** Draws a line at zero, and includes zero in the axis. */
  readonly zero?: boolean;
  readonly logarithmic?: boolean;
}

/** Okabe and Ito's colours, safe for colour-blind readers. */
const colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"];
const [width, height, left, right, top, bottom] = [380, 230, 46, 20, 40, 30];

export function chartSvg({ title, lines, x: along = "epoch", zero = false, logarithmic = false }: Chart): string {
  const shown = lines.map((line) => ({
    ...line,
    points: line.points.filter((p): p is CurvePoint & { y: number } => p.y !== null && (!logarithmic || p.y > 0)),
  }));
  const all = shown.flatMap((line) => line.points);
  if (all.length === 0) return "";
  const scaleY = logarithmic ? Math.log10 : (y: number) => y;
  const ys = all
    .flatMap((p) => [p.y, ...(p.band ?? [])])
    .filter((y) => !logarithmic || y > 0)
    .map(scaleY);
  if (zero) ys.push(0);
  const ticks = niceTicks(Math.min(...ys), Math.max(...ys), logarithmic);
  const [low, high] = [Math.min(...ys, ticks[0]), Math.max(...ys, ticks.at(-1)!)];
  const [first, last] = [Math.min(...all.map((p) => p.x)), Math.max(...all.map((p) => p.x))];
  const x = (value: number) => left + ((value - first) / (last - first || 1)) * (width - left - right);
  const y = (value: number) => height - bottom - ((scaleY(value) - low) / (high - low || 1)) * (height - top - bottom);

  const values = ticks.map((tick) => (logarithmic ? 10 ** tick : tick));
  const labels = labelTicks(values);
  const grid = values.map(
    (value, i) =>
      `<line class="grid" x1="${left}" x2="${width - right}" y1="${y(value)}" y2="${y(value)}"/><text class="axis" x="${left - 6}" y="${y(value) + 4}" text-anchor="end">${labels[i]}</text>`,
  );
  const epochs = niceTicks(first, last, false).filter((t) => t >= first && t <= last && Number.isInteger(t));
  const axis = epochs.map(
    (t) => `<text class="axis" x="${x(t)}" y="${height - bottom + 16}" text-anchor="middle">${t}</text>`,
  );
  const drawn = shown.map(({ name, points, isDashed }, i) => {
    const colour = colours[i % colours.length];
    const banded = points.filter((p) => p.band);
    const band =
      banded.length > 1
        ? `<path d="M${[...banded.map((p) => `${x(p.x)},${y(p.band![1])}`), ...banded.toReversed().map((p) => `${x(p.x)},${y(p.band![0])}`)].join("L")}Z" fill="${colour}" opacity=".15"/>`
        : "";
    const path = `<path d="M${points.map((p) => `${x(p.x)},${y(p.y)}`).join("L")}" fill="none" stroke="${colour}" stroke-width="1.8"${isDashed ? ' stroke-dasharray="5 3"' : ""}/>`;
    const dots =
      points.length > 30
        ? []
        : points.map(
            (p) =>
              `<circle class="dot" tabindex="0" cx="${x(p.x)}" cy="${y(p.y)}" r="3.2" fill="${colour}" data-tip="${escapeHtml(`${name}, ${along} ${p.x}\n${plain(p.y)}${p.band ? ` (95 %: ${plain(p.band[0])} to ${plain(p.band[1])})` : ""}`)}"/>`,
          );
    return band + path + dots.join("");
  });
  const legend = shown.map(({ name, isDashed }, i) => {
    const at = left + shown.slice(0, i).reduce((sum, line) => sum + 34 + 6.2 * line.name.length, 0);
    return `<line x1="${at}" x2="${at + 16}" y1="27" y2="27" stroke="${colours[i % colours.length]}" stroke-width="2"${isDashed ? ' stroke-dasharray="5 3"' : ""}/><text class="axis" x="${at + 20}" y="31">${escapeHtml(name)}</text>`;
  });
  const zeroLine = zero ? `<line class="zero" x1="${left}" x2="${width - right}" y1="${y(0)}" y2="${y(0)}"/>` : "";
  return `<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="group" aria-label="${escapeHtml(title)}" viewBox="0 0 ${width} ${height}" width="${width}" font-family="system-ui, sans-serif" font-size="11">${pictureStyle}<text class="panel-title" x="2" y="14">${escapeHtml(title)}</text>${grid.join("")}${zeroLine}${axis.join("")}<text class="axis" x="${width - right}" y="${height - 2}" text-anchor="end">${along}</text>${drawn.join("")}${legend.join("")}</svg>`;
}

/** Labels with as few digits as tell the ticks apart. */
export function labelTicks(ticks: readonly number[]): string[] {
  const write = (value: number, digits: number) =>
    value !== 0 && Math.abs(value) < 1e-3
      ? String(Number(value.toExponential(digits - 1)).toExponential())
      : plain(value, digits);
  const most = 7;
  for (let digits = 3; ; digits++) {
    const labels = ticks.map((tick) => write(tick, digits).replaceAll("-", "−"));
    if (digits === most || new Set(labels).size === ticks.length) return labels;
  }
}

/** About five round values that cover a range to within a tenth of their step; powers of ten for a logarithmic axis. */
export function niceTicks(low: number, high: number, logarithmic: boolean): number[] {
  if (logarithmic) return Array.from({ length: Math.ceil(high) - Math.floor(low) + 1 }, (_, i) => Math.floor(low) + i);
  const span = high - low || Math.abs(high) || 1;
  const rough = span / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough)!;
  const start = Math.floor(low / step + 0.1);
  const end = Math.ceil(high / step - 0.1);
  return Array.from({ length: end - start + 1 }, (_, i) => Number(((start + i) * step).toPrecision(12)));
}
