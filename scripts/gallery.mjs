// Makes docs/gallery from the figures that `layerwise reproduce all` wrote: node --import tsx scripts/gallery.mjs runs/figures-small
// Each figure's pictures (SVG), its numbers (JSON) and a page that sets it beside what the paper says must be seen. Figures that are not in the folder stay.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { figureTitle, verdictOf } from "../src/report/index.ts";
import { root } from "./setup.mjs";

const [source] = process.argv.slice(2);
const target = join(root, "docs/gallery");
const scale = basename(source).replace("figures-", "");
const read = (...path) => JSON.parse(readFileSync(join(source, ...path), "utf8"));
mkdirSync(target, { recursive: true });

const scans = ["single", "deep", "shallow", "random", "minimal"];
for (const name of readdirSync(source).filter((name) => existsSync(join(source, name, "experiment.json")))) {
  const { recipe } = read(name, "experiment.json");
  const claims = read(name, "claims.json");
  const [header, ...cells] = readFileSync(join(source, name, "cells.csv"), "utf8")
    .trim()
    .split("\n")
    .map((line) => line.split(","));
  const { figure, claims: _, ...setUp } = recipe;
  if (setUp.data.dir) delete setUp.data.dir;
  const json = JSON.stringify({ figure, recipe: setUp, claims, columns: header }, null, 1).replace(/\n}$/, "");
  writeFileSync(
    join(target, `${name}.json`),
    `${json},\n "cells": [\n${cells.map((c) => JSON.stringify(c.map(shortened))).join(",\n")}\n ]\n}\n`,
  );
  for (const old of readdirSync(target)) if (old.startsWith(`${name}-`)) rmSync(join(target, old));
  const drawn = scans.filter((scan) => existsSync(join(source, name, "figures", `${scan}.svg`)));
  for (const picture of [
    ...drawn,
    ...(drawn.length < 2 ? ["full-loss", "ends", "euclidean"] : [`full-${figure.metric}`]),
  ])
    writeFileSync(
      join(target, `${name}-${picture}.svg`),
      readFileSync(join(source, name, "figures", `${picture}.svg`)),
    );
}

const order = [...scans, "full-loss", "full-error", "ends", "euclidean"];
const names = readdirSync(target).flatMap((file) => (file.endsWith(".json") ? basename(file, ".json") : []));
const sections = names.sort(byNumber).map((name) => {
  const { figure, claims } = JSON.parse(readFileSync(join(target, `${name}.json`), "utf8"));
  const pictures = order.filter((picture) => existsSync(join(target, `${name}-${picture}.svg`)));
  return { name, title: figureTitle({ name, figure }), figure, claims, pictures, verdict: verdictOf({ claims }) };
});

/** The last full barrier of figure 1 on the test split. */
const { columns, cells: measured } = JSON.parse(readFileSync(join(target, "fig01.json"), "utf8"));
const onTest = measured
  .map((row) => Object.fromEntries(columns.map((column, i) => [column, row[i]])))
  .findLast(({ split, scan }) => split === "test" && scan === "full");
const holding = sections.filter(({ verdict }) => verdict === "holds").length;
const page = `# Gallery: the paper's figures at the \`${scale}\` scale

Made by \`npx layerwise reproduce all --scale ${scale} --data-dir DIR\`, then \`node --import tsx scripts/gallery.mjs runs/figures-${scale}\`; \`DIR\` holds CIFAR-10's and
Shakespeare's official files. **${holding} of ${sections.length}** experiments show what must be seen. Blue is better than the ends, red is worse; the numbers of every
cell, with their intervals, are in the JSON beside each picture, as is the recipe. What the scale changes, and why, stands in the recipes
([fig01.yaml](../../recipes/fig01.yaml) and its neighbours). Numbers are a barrier [its 95 % interval] against the claim's limit at the epoch (figure 12: step) that decided; loss
in nats, error in points; the mean over both bases; on the training samples. A third is 7 of ResNet18's 21 layers, a half 10.

On test samples most loss barriers are negative at this scale (figure 1: ${onTest.loss_barrier.toFixed(2)}): ends that know their images by heart are sure and wrong there, and their
average is less sure. Its error is higher all the same (${onTest.error_barrier.toFixed(1)} points).

| experiment | verdict |
| ---------- | ------- |
${sections.map(({ title, verdict }) => `| [${title}](#${anchor(title)}) | ${verdict} |`).join("\n")}

${sections.map(sectionText).join("\n\n")}
`;
writeFileSync(join(target, "README.md"), page);

const features = join(root, "FEATURES.md");
const [before, after] = readFileSync(features, "utf8").split(/(?<=<!-- figures -->\n)[\s\S]*(?=<!-- \/figures -->)/);
const command = (name) => `\`npx layerwise reproduce ${name.replace(/^fig0/, "fig")} --scale ${scale} --data-dir DIR\``;
const lines = sections.flatMap(({ name, title, claims }) =>
  claims.map(
    ({ says, verdict, numbers }, i) =>
      `| ${i ? "" : `[${title}](docs/gallery/README.md#${anchor(title)})`} | ${i ? "" : scale} | ${says} | ${verdict} | ${numbers} | ${i ? "" : command(name)} |`,
  ),
);
writeFileSync(
  features,
  `${before}
| figure | scale | claim | verdict | numbers | command |
| ------ | ----- | ----- | ------- | ------- | ------- |
${lines.join("\n")}

${after}`,
);
console.log(`${target}: ${holding} of ${sections.length} hold`);

function sectionText({ name, title, figure, claims, pictures }) {
  return `## ${title}

The paper: ${figure.paper}.

| claim | verdict | numbers |
| ----- | ------- | ------- |
${claims.map(({ says, verdict, numbers }) => `| ${says} | ${verdict} | ${numbers} |`).join("\n")}

${figure.remark ? `${figure.remark}\n\n` : ""}${pictures.map((picture) => `![${title}: ${picture}](${name}-${picture}.svg)`).join(" ")}

Numbers: [${name}.json](${name}.json)`;
}

function byNumber(x, y) {
  return x.localeCompare(y, "en", { numeric: true });
}

function shortened(text) {
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
