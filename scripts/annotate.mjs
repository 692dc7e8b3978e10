// Numbers the parts of two figures for docs/reading-the-report.md:
// node scripts/annotate.mjs runs/MEASUREMENT, a measurement of two fine-tunes (`reproduce finetune`).
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./setup.mjs";

const pictures = join(root, "docs/pictures");

/** A numbered circle. */
const label = (number, x, y) =>
  `<circle cx="${x}" cy="${y}" r="8" fill="#111"/><text x="${x}" y="${y + 4}" text-anchor="middle" fill="#fff" font-size="11" font-weight="600">${number}</text>`;

/** The figure with labels, and room on the right for them. */
function annotate(svg, labels, room = 30) {
  const [, width, height] = /viewBox="0 0 (\d+) (\d+)" width="\d+"/.exec(svg);
  const wider = svg.replace(
    /viewBox="[^"]*" width="\d+"/,
    `viewBox="0 0 ${+width + room} ${height}" width="${+width + room}"`,
  );
  return wider.replace(/<\/svg>\s*$/, `${labels.map(([x, y], i) => label(i + 1, x, y)).join("")}</svg>\n`);
}

const numbers = (pattern, text) => [...text.matchAll(pattern)].map((match) => match.slice(1).map(Number));

const whiskers = readFileSync(join(process.argv[2], "figures/shallow-loss.svg"), "utf8");
const dots = numbers(/<circle cx="([\d.]+)" cy="([\d.]+)"/g, whiskers);
const lines = numbers(/<line stroke="#777" x1="([\d.]+)" x2="([\d.]+)" y1="([\d.]+)"/g, whiskers);
const [[zero]] = numbers(/class="zero" x1="([\d.]+)"/g, whiskers);
const largest = dots.reduce((most, dot, i) => (dot[0] > dots[most][0] ? i : most), 0);
const [, right, y] = lines[largest];
writeFileSync(
  join(pictures, "reading-measurement.svg"),
  annotate(whiskers, [
    [12, dots[0][1]],
    [dots[largest][0] - 28, dots[largest][1]],
    [right + 14, y],
    [zero - 14, dots.at(-1)[1]],
    [right + 14, dots.at(-1)[1]],
  ]),
);

const heatmap = readFileSync(join(pictures, "quick-deep.svg"), "utf8");
const [, wide, high] = /viewBox="0 0 (\d+) (\d+)"/.exec(heatmap).map(Number);
writeFileSync(
  join(pictures, "reading-run.svg"),
  annotate(heatmap, [
    [wide + 12, 46],
    [12, 66],
    [wide + 12, 66],
    [wide + 12, high - 20],
    [wide + 12, 26],
  ]),
);
