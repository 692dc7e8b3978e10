// The page around the figures: head, tiles, switches, tables. The result is one self-contained file.
import type { Measurement } from "../connectivity/index.ts";
import { escapeHtml } from "./escape.ts";
import { stops } from "./pictures/scale.ts";
import { style } from "./pictures/style.ts";
import { script } from "./script.ts";

export interface Page {
  readonly title: string;
  readonly subtitle: string;
  /** The verdict, in one or two sentences. */
  readonly finding: string;
  readonly tiles: readonly { readonly value: string; readonly label: string }[];
  /** Finished HTML. */
  readonly sections: readonly string[];
  /** The heatmaps' data for the switches. */
  readonly cells?: unknown;
}

export function pageHtml({ title, subtitle, finding, tiles, sections, cells }: Page): string {
  const json = (id: string, value: unknown) =>
    `<script type="application/json" id="${id}">${JSON.stringify(value).replaceAll("<", "\\u003c")}</script>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
<p class="faint">${escapeHtml(subtitle)}</p>
<p class="lead">${escapeHtml(finding)}</p>
<div class="tiles">${tiles.map(({ value, label }) => `<div class="tile"><b>${escapeHtml(value)}</b><span>${escapeHtml(label)}</span></div>`).join("")}</div>
${sections.join("\n")}
<div id="tip" role="status" hidden></div>
${cells ? json("stops", stops) + json("cells", cells) : ""}
<script>${script}</script>
</body>
</html>
`;
}

export const section = (title: string, ...content: string[]): string =>
  `<section><h2>${escapeHtml(title)}</h2>${content.join("\n")}</section>`;
export const paragraph = (text: string, kind = ""): string =>
  `<p${kind ? ` class="${kind}"` : ""}>${escapeHtml(text)}</p>`;
export const figures = (svgs: readonly string[]): string => `<div class="figures">${svgs.join("\n")}</div>`;

/** A table; columns after the first hold numbers when `numeric`. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], numeric = true): string {
  const kind = (i: number) => (numeric && i > 0 ? ' class="number"' : "");
  const row = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((cell, i) => `<${tag}${kind(i)}>${escapeHtml(cell)}</${tag}>`).join("")}</tr>`;
  return `<div class="scroll"><table><thead>${row(head, "th")}</thead><tbody>${rows.map((cells) => row(cells, "td")).join("")}</tbody></table></div>`;
}

/** Which layers may be averaged, are kept, or are undecided. */
export function verdictTable({ verdict }: Measurement): string {
  const kinds = ["average", "keep", "undecided"] as const;
  return table(
    ["verdict", "number", "layers"],
    kinds.map((kind) => [kind, String((verdict[kind] ?? []).length), joinNames(verdict[kind] ?? [])]),
    false,
  );
}

/** Joins names with commas; three or more consecutive numbers become a range: `model.layers.3–7`. */
export function joinNames(names: readonly string[]): string {
  const runs: { stem: string; last: number; names: string[] }[] = [];
  for (const name of names) {
    const [, stem = name, digits = ""] = /^(.*\.)(0|[1-9]\d*)$/.exec(name) ?? [];
    const number = digits === "" ? Number.NaN : Number(digits);
    const run = runs.at(-1);
    if (run && run.stem === stem && run.last + 1 === number) {
      run.last = number;
      run.names.push(name);
    } else runs.push({ stem, last: number, names: [name] });
  }
  return runs.flatMap(({ names, last }) => (names.length > 2 ? [`${names[0]}–${last}`] : names)).join(", ");
}

export const details = (title: string, content: string): string =>
  `<details><summary>${escapeHtml(title)}</summary>${content}</details>`;

/** A switch between named choices; the first is on. A single choice is hidden. */
export function choice(name: string, options: readonly { readonly value: string; readonly label: string }[]): string {
  const radios = options.map(
    ({ value, label }, i) =>
      `<label><input type="radio" name="${name}" value="${value}"${i ? "" : " checked"}><span>${escapeHtml(label)}</span></label>`,
  );
  return `<fieldset${options.length > 1 ? "" : " hidden"}><legend>${escapeHtml(name)}</legend>${radios.join("")}</fieldset>`;
}

/** Explains barriers and how their uncertainty is drawn. */
export const meaning = (uncertainty: string, isHalf = true): string =>
  paragraph(
    `Barrier: the value of a partly averaged network minus ${isHalf ? "the mean of the two ends" : "(1 - alpha) that of a + alpha that of b"}, on the same samples. Positive is worse. ` +
      `The layers outside the average come from the base, end a or b. ${uncertainty}`,
    "faint",
  );
