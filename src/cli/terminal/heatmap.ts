// A heatmap in the terminal: names on the left, a number in each cell, on the report's colours if the terminal supports
// them. Without colours, a bar marks the large values.
import { plain, short as shortNumber } from "../../core/index.ts";
import { colourOf as colourOfValue, isLight, limitOf, type Rgb } from "../../report/index.ts";
import { shortenNames } from "./names.ts";

export type Colour = "truecolor" | "256" | "none";

export interface TerminalHeatmap {
  readonly title: string;
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  /** Null: not finite; undefined: not measured. */
  readonly values: readonly (readonly (number | null | undefined)[])[];
  /** Without colours, values beyond it are marked; default a third of the scale. */
  readonly large?: number;
  /** Smallest limit of the scale; default 0.1 (nats). */
  readonly unit?: number;
  /** The columns are a time series: if they do not fit, some are left out. Other columns continue below. */
  readonly isSeries?: boolean;
  /** Maximum characters per line. */
  readonly width: number;
  readonly colour: Colour;
}

/** Names take the space that up to this many columns leave, but at least this width. */
const [mostBeside, leastNames] = [8, 24];

/** The colours that a stream supports, by the usual variables: NO_COLOR, FORCE_COLOR, COLORTERM, TERM. */
export function colourOf(stream: { isTTY?: boolean }, env: Readonly<Record<string, string | undefined>>): Colour {
  if (env.NO_COLOR || env.FORCE_COLOR === "0") return "none";
  if (!env.FORCE_COLOR && (!stream.isTTY || env.TERM === "dumb")) return "none";
  return env.COLORTERM === "truecolor" || env.COLORTERM === "24bit" || env.FORCE_COLOR === "3" ? "truecolor" : "256";
}

export function drawHeatmap({
  title,
  rows,
  columns,
  values,
  isSeries = false,
  width,
  colour,
  unit = 0.1,
  large,
}: TerminalHeatmap): string {
  const limit = limitOf(values.flat(), unit);
  const marked = large ?? limit / 3;
  const cell = Math.max(6, ...columns.map((column) => column.length + 1));
  const longest = rows.reduce((length, row) => Math.max(length, row.length), 0);
  const names = Math.min(longest, Math.max(leastNames, width - 1 - cell * Math.min(columns.length, mostBeside)));
  const short = shortenNames(rows, names);
  const room = Math.max(1, Math.floor((width - names - 1) / cell));
  const block = (chosen: readonly number[]) => {
    const lines = rows.map((_, i) => {
      const cells = chosen.map((j) =>
        paint(mark(values[i][j], marked, colour).padStart(cell - 1), values[i][j], limit, colour),
      );
      return `${short[i].padStart(names)} ${cells.join(" ")}`;
    });
    return [`${" ".repeat(names)} ${chosen.map((j) => columns[j].padStart(cell - 1)).join(" ")}`, ...lines].join("\n");
  };
  const all = [...columns.keys()];
  const blocks =
    columns.length <= room
      ? [all]
      : isSeries
        ? [spread(columns.length, room)]
        : Array.from({ length: Math.ceil(columns.length / room) }, (_, i) => all.slice(i * room, (i + 1) * room));
  return [title, ...blocks.map(block), legend(limit, marked, colour)].join("\n\n");
}

/** Evenly spaced indices from the first to the last. */
const spread = (count: number, room: number): number[] =>
  Array.from({ length: room }, (_, i) => Math.round((i * (count - 1)) / Math.max(1, room - 1)));

/** The number; without colours, with a bar if it is large. */
function mark(value: number | null | undefined, large: number, colour: Colour): string {
  if (value === undefined) return "";
  const isLarge = colour === "none" && value !== null && Math.abs(value) > large;
  return `${isLarge ? "▌" : ""}${shortNumber(value)}`;
}

function paint(text: string, value: number | null | undefined, limit: number, colour: Colour): string {
  if (colour === "none" || value === null || value === undefined) return text;
  const background = colourOfValue(value, limit);
  const ink: Rgb = isLight(background) ? [20, 20, 20] : [255, 255, 255];
  const code = (rgb: Rgb) => (colour === "truecolor" ? `2;${rgb.join(";")}` : `5;${cube(rgb)}`);
  return `\x1b[48;${code(background)};38;${code(ink)}m${text}\x1b[0m`;
}

/** The nearest colour of the terminal's 6x6x6 cube. */
function cube(rgb: Rgb): number {
  const [r, g, b] = rgb.map((x) => (x < 48 ? 0 : x < 115 ? 1 : Math.min(5, Math.round((x - 55) / 40))));
  return 16 + 36 * r + 6 * g + b;
}

function legend(limit: number, large: number, colour: Colour): string {
  const words = `positive: worse than the ends; colour scale up to ±${plain(limit, 2)}`;
  if (colour === "none") return `positive: worse than the ends; ▌: more than ${plain(large, 2)} from zero`;
  const ramp = Array.from({ length: 15 }, (_, i) => paint(" ", (i / 7 - 1) * limit, limit, colour)).join("");
  return `${ramp} ${words}`;
}
