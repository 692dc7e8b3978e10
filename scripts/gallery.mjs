// Makes docs/gallery from the figures of `layerwise reproduce all`: node --import tsx scripts/gallery.mjs
// runs/figures-SCALE Stores each figure's pictures (SVG) and numbers (JSON), and writes a page that compares them with
// the paper, for every scale that was run. The small scale is in docs/gallery, each other scale in a folder with its
// name. Figures that are not in the given folder are kept.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { figureTitle, verdictOf } from "../src/report/index.ts";
import { root } from "./setup.mjs";

const gallery = join(root, "docs/gallery");
const scales = ["small", "medium", "paper"];
const scans = ["single", "deep", "shallow", "random", "minimal"];
const order = [...scans, "full-loss", "full-error", "ends", "euclidean"];
const folderOf = (scale) => (scale === scales[0] ? gallery : join(gallery, scale));
const within = (scale) => (scale === scales[0] ? "" : `${scale}/`);

const [source] = process.argv.slice(2);
store(source, basename(source).replace("figures-", ""));
const figures = readFigures();
writeFileSync(join(gallery, "README.md"), pageText(figures));
writeTable(figures);
console.log(`${gallery}: ${scales.flatMap((scale) => countText(figures, scale) ?? []).join("; ")}`);

/** Copies the numbers and pictures of the figures in a folder of results. */
function store(source, scale) {
  const target = folderOf(scale);
  mkdirSync(target, { recursive: true });
  for (const name of readdirSync(source).filter((name) => existsSync(join(source, name, "experiment.json")))) {
    const read = (file) => JSON.parse(readFileSync(join(source, name, file), "utf8"));
    const { figure, claims: _, ...setUp } = read("experiment.json").recipe;
    if (setUp.data.dir) delete setUp.data.dir;
    const [header, ...cells] = readFileSync(join(source, name, "cells.csv"), "utf8")
      .trim()
      .split("\n")
      .map((line) => line.split(","));
    const about = { figure, recipe: setUp, claims: read("claims.json"), columns: header };
    const rows = cells.map((row) => JSON.stringify(row.map(shorten))).join(",\n");
    const json = JSON.stringify(about, null, 1).replace(/\n}$/, `,\n "cells": [\n${rows}\n ]\n}\n`);
    writeFileSync(join(target, `${name}.json`), json);
    for (const old of readdirSync(target)) if (old.startsWith(`${name}-`)) rmSync(join(target, old));
    const drawn = scans.filter((scan) => existsSync(join(source, name, "figures", `${scan}.svg`)));
    const others = drawn.length < 2 ? ["full-loss", "ends", "euclidean"] : [`full-${figure.metric}`];
    for (const picture of [...drawn, ...others])
      writeFileSync(
        join(target, `${name}-${picture}.svg`),
        readFileSync(join(source, name, "figures", `${picture}.svg`)),
      );
  }
}

/** Every figure with its results, by scale. */
function readFigures() {
  const found = new Map();
  for (const scale of scales.filter((one) => existsSync(folderOf(one)))) {
    const files = readdirSync(folderOf(scale));
    for (const name of files.flatMap((file) => (file.endsWith(".json") ? basename(file, ".json") : []))) {
      const { figure, claims, columns, cells } = JSON.parse(
        readFileSync(join(folderOf(scale), `${name}.json`), "utf8"),
      );
      const pictures = order.filter((picture) => files.includes(`${name}-${picture}.svg`));
      const one = found.get(name) ?? { name, title: figureTitle({ name, figure }), paper: figure.paper, results: [] };
      const result = { scale, remark: figure.remark, claims, pictures, columns, cells };
      found.set(name, { ...one, results: [...one.results, { ...result, verdict: verdictOf({ claims }) }] });
    }
  }
  return [...found.values()].sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
}

function pageText(figures) {
  const present = scales.filter((scale) => figures.some(({ results }) => results.some((one) => one.scale === scale)));
  const verdict = ({ results }, scale) => results.find((one) => one.scale === scale)?.verdict ?? "";
  const line = (cells) => `| ${cells.join(" | ")} |`;
  const onTest = lastFullOnTest(figures[0].results[0]);
  return `# Gallery: the paper's figures

For each figure: what the paper shows, which claims hold here, and the pictures. ${present.map((scale) => countText(figures, scale)).join(", ")}.

- The larger scales are run first for the figures that do not hold at the small one.
- In the pictures, blue is better than the ends and red is worse.
- Numbers in the tables are a barrier [95 % interval] against the claim's limit, at the epoch (figure 12: step) that decided. Loss is in nats, error in
  points. Barriers are means over both bases, on training samples. A third is 7 of ResNet18's 21 layers, a half is 10.
- The JSON file of each figure has its recipe, and the numbers of every cell with their intervals.
- The recipes say what a scale changes and why ([fig01.yaml](../../recipes/fig01.yaml) and the others in its folder).

At the small scale most loss barriers on test samples are negative (figure 1: ${onTest.loss_barrier.toFixed(2)}). The ends have memorised their training images and are confidently
wrong on new ones; their average is less confident. Its error is still higher than theirs (by ${onTest.error_barrier.toFixed(1)} points).

To make this page again, run \`npx layerwise reproduce all --scale SCALE --data-dir DIR\`, then \`node --import tsx scripts/gallery.mjs runs/figures-SCALE\`.
\`DIR\` has the official files of CIFAR-10 and Shakespeare.

${line(["experiment", ...present.map((scale) => `\`${scale}\``)])}
${line(Array(present.length + 1).fill("---"))}
${figures.map((one) => line([`[${one.title}](#${anchor(one.title)})`, ...present.map((scale) => verdict(one, scale))])).join("\n")}

${figures.map(sectionText).join("\n\n")}
`;
}

function sectionText({ name, title, paper, results }) {
  return `## ${title}

The paper: ${paper}.

${results.map((one) => resultText(name, title, one)).join("\n\n")}`;
}

function resultText(name, title, { scale, claims, remark, pictures }) {
  const drawn = pictures.map((picture) => `![${title}: ${picture}](${within(scale)}${name}-${picture}.svg)`);
  return `| claim, ${scale} scale | verdict | numbers |
| ----- | ------- | ------- |
${claims.map(({ says, verdict, numbers }) => `| ${says} | ${verdict} | ${numbers} |`).join("\n")}

${remark ? `${remark}\n\n` : ""}${drawn.join(" ")}

Numbers: [${name}.json](${within(scale)}${name}.json)`;
}

/** The claims of every figure in FEATURES.md. */
function writeTable(figures) {
  const path = join(root, "FEATURES.md");
  const [before, after] = readFileSync(path, "utf8").split(/(?<=<!-- figures -->\n)[\s\S]*(?=<!-- \/figures -->)/);
  const command = (name, scale) =>
    `\`npx layerwise reproduce ${name.replace(/^fig0/, "fig")} --scale ${scale} --data-dir DIR\``;
  const rows = figures.flatMap(({ name, title, results }) =>
    results.flatMap(({ scale, claims }) =>
      claims.map(({ says, verdict, numbers }, i) => {
        const first = (text) => (i ? "" : text);
        const link = first(`[${title}](docs/gallery/README.md#${anchor(title)})`);
        return `| ${link} | ${first(scale)} | ${says} | ${verdict} | ${numbers} | ${first(command(name, scale))} |`;
      }),
    ),
  );
  const header =
    "| figure | scale | claim | verdict | numbers | command |\n| ------ | ----- | ----- | ------- | ------- | ------- |";
  writeFileSync(path, `${before}\n${header}\n${rows.join("\n")}\n\n${after}`);
}

/** The number of figures that hold at a scale; undefined where none was run. */
function countText(figures, scale) {
  const verdicts = figures.flatMap(({ results }) => results.flatMap((one) => (one.scale === scale ? one.verdict : [])));
  const holding = verdicts.filter((verdict) => verdict === "holds").length;
  return verdicts.length
    ? `**${holding} of ${verdicts.length}** experiments reproduced at the \`${scale}\` scale`
    : undefined;
}

/** The last full barrier on the test split. */
function lastFullOnTest({ columns, cells }) {
  return cells
    .map((row) => Object.fromEntries(columns.map((column, i) => [column, row[i]])))
    .findLast(({ split, scan }) => split === "test" && scan === "full");
}

function shorten(text) {
  const value = Number(text);
  return text === "" ? null : Number.isNaN(value) ? text : Number(value.toPrecision(5));
}

/** GitHub's anchor of a heading. */
function anchor(title) {
  return title
    .toLowerCase()
    .replace(/[^\w -]/g, "")
    .replaceAll(" ", "-");
}
