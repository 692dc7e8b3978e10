// Reads run folders and draws them: one run, or an experiment with several pairs. Computes only means over pairs.
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { decide, encodeMeasurement, parseMeasurement } from "../../connectivity/index.ts";
import { parseJson, UserError, writeAtomic } from "../../core/index.ts";
import { splits } from "../../data/index.ts";
import { cellsParquet, pngOf, type RunRecord, renderRun } from "../../report/index.ts";
import { Scores } from "../../sweep/index.ts";
import { type ClaimVerdict, judgeClaims } from "../claims/judge.ts";
import { listPoints, pointName, samplesPath } from "../points/point.ts";
import { parseRecipe, type Recipe, timelineOf } from "../recipe/index.ts";
import { readLog } from "../run-folder/log.ts";
import { combinePairs } from "./repetitions.ts";

/** A report that was written: its folder, its page, the numbers drawn, and the claims. */
export interface Written {
  readonly folder: string;
  readonly page: string;
  readonly record: RunRecord;
  readonly claims: readonly ClaimVerdict[];
}

/**
 * Draws a run from its stored results into its folder. Throws {@link UserError} for other folders, or without
 * measurements.
 */
export async function writeRun(folder: string): Promise<Written> {
  const text = await readFile(join(folder, "recipe.yaml"), "utf8").catch(() => {
    throw new UserError(
      `${folder} is not a folder of results: it has no recipe.yaml and no measure.json. Give a folder that reproduce or measure wrote.`,
    );
  });
  const recipe = parseRecipe(parse(text), join(folder, "recipe.yaml"));
  return write(await readRecord(recipe, [folder]), recipe, [folder], folder);
}

/** Draws an experiment from the runs of its pairs into `folder`, with only the points and scans of the recipe. */
export async function writePages(recipe: Recipe, runs: readonly string[], folder: string): Promise<Written> {
  return write(await readRecord(recipe, runs, selectAsked(recipe)), recipe, runs, folder);
}

/** The measurements of a record in their stored form, for JSON output. */
export const storedMeasurements = ({ measurements }: RunRecord) =>
  measurements.map((one) => ({ ...one, document: encodeMeasurement(one.document) }));

type Measurements = RunRecord["measurements"];

/** Drops points and cells that were measured for another recipe, and recomputes the verdicts. */
function selectAsked(recipe: Recipe): (measurements: Measurements) => Measurements {
  const points = new Map(listPoints(recipe).map((point) => [point.name, point]));
  return (measurements) =>
    measurements.flatMap(({ epoch, split, document }) => {
      const point = points.get(pointName(recipe.measure.ends, epoch, split));
      if (!point) return [];
      const isAsked = (base: string | null) => base === null || point.base === "both" || base === point.base;
      const cells = document.cells.filter(({ scan, base }) => point.scans.includes(scan) && isAsked(base));
      return [{ epoch, split, document: { ...document, cells, verdict: decide(cells) } }];
    });
}

/** Combines the stored results of a recipe's runs, one for each pair. */
async function readRecord(
  recipe: Recipe,
  runs: readonly string[],
  chosen = (measurements: Measurements) => measurements,
): Promise<RunRecord> {
  const pairs = await Promise.all(runs.map(async (folder) => chosen(await readMeasured(folder, recipe.measure.ends))));
  const empty = runs.find((_, i) => pairs[i].length === 0);
  if (empty !== undefined)
    throw new UserError(`${empty} has no measurements yet. Run \`layerwise reproduce ${join(empty, "recipe.yaml")}\`.`);
  const measurements = combinePairs(pairs);
  const clients = await readFile(join(runs[0], "clients.json"), "utf8").catch(() => undefined);
  const { figure, claims: _, ...values } = recipe;
  return {
    name: recipe.name,
    hash: runs[0].replace(/.*-/, ""),
    recipe: values,
    unit: timelineOf(recipe).unit,
    figure,
    log: await readLog(runs[0]),
    clients:
      clients === undefined
        ? undefined
        : (parseJson(clients, join(runs[0], "clients.json")) as { classes: number[][] }).classes,
    measurements,
    pairs: runs.map((folder, i) => ({ folder, last: pairs[i].at(-1)?.document })),
  };
}

async function readMeasured(folder: string, ends: Recipe["measure"]["ends"]): Promise<Measurements> {
  const measured = [];
  for (const file of (await readdir(join(folder, "measure")).catch(() => [])).sort()) {
    const [, epoch, split] = fileName.exec(file) ?? [];
    if (!epoch || file !== pointName(ends, Number(epoch), split as Split)) continue;
    const path = join(folder, "measure", file);
    const document = parseMeasurement(parseJson(await readFile(path, "utf8"), path), path);
    measured.push({ epoch: Number(epoch), split: split as Split, document });
  }
  return measured.sort((x, y) => x.epoch - y.epoch);
}

const fileName = new RegExp(`-(\\d+)-(${splits.join("|")})\\.json$`);

/** The splits of a run's measurements. */
type Split = Recipe["measure"]["splits"][number];

/** report.html, figures/*.svg and *.png, cells.csv and cells.parquet, claims.json. */
async function write(record: RunRecord, recipe: Recipe, runs: readonly string[], folder: string): Promise<Written> {
  const read = new Map<string, Promise<Scores[]>>(); // several claims use the same points
  const claims = await judgeClaims(recipe.claims, record.measurements, (point) => {
    const paths = runs.map((run) => samplesPath(run, recipe, point));
    const tables = read.get(paths[0]) ?? Promise.all(paths.map(Scores.read));
    read.set(paths[0], tables);
    return tables;
  });
  if (claims.length || recipe.figure)
    await writeAtomic(join(folder, "claims.json"), `${JSON.stringify(claims, null, 1)}\n`);
  const { html, figures, csv } = renderRun({ ...record, claims });
  await writePictures(figures, join(folder, "figures"));
  await writeAtomic(join(folder, "cells.csv"), csv);
  await writeAtomic(join(folder, "cells.parquet"), await cellsParquet(record.measurements));
  const page = join(folder, "report.html");
  await writeAtomic(page, html);
  return { folder, page, record: { ...record, claims }, claims };
}

/** Writes each picture as SVG and PNG, and removes pictures that the recipe no longer has. */
async function writePictures(figures: Readonly<Record<string, string>>, folder: string): Promise<void> {
  const names = Object.keys(figures).flatMap((name) => [`${name}.svg`, `${name}.png`]);
  for (const file of await readdir(folder).catch(() => []))
    if (/\.(svg|png)$/.test(file) && !names.includes(file)) await rm(join(folder, file));
  for (const [name, svg] of Object.entries(figures)) {
    await writeAtomic(join(folder, `${name}.svg`), svg);
    await writeAtomic(join(folder, `${name}.png`), await pngOf(svg));
  }
}
