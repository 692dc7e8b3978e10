// Reads what a run's folder holds, for drawing. Computes nothing.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { type Measurement, parseMeasurement } from "../connectivity/index.ts";
import { UserError, writeAtomic } from "../core/index.ts";
import { type RunRecord, renderRun } from "../report/index.ts";
import { type ClaimVerdict, judgeClaims } from "./claims.ts";
import { readLog } from "./log.ts";
import { recipeSchema } from "./recipe.ts";

/** The stored results of a run folder. Throws {@link UserError} when it is none, or nothing was measured yet. */
async function readRecord(folder: string): Promise<RunRecord> {
  const recipe = await readFile(join(folder, "recipe.yaml"), "utf8").catch(() => {
    throw new UserError(`${folder} is no run folder (there is no recipe.yaml in it). Name a folder under runs/.`);
  });
  const measurements = [];
  for (const file of (await readdir(join(folder, "measure")).catch(() => [])).sort()) {
    const [, epoch, split] = /^epoch-(\d+)-(train|test)\.json$/.exec(file) ?? [];
    if (!epoch) continue;
    const document = parseMeasurement(JSON.parse(await readFile(join(folder, "measure", file), "utf8")), file);
    measurements.push({ epoch: Number(epoch), split: split as Measurement["data"]["split"], document });
  }
  if (measurements.length === 0)
    throw new UserError(
      `Nothing is measured in ${folder} yet. Run \`layerwise reproduce ${join(folder, "recipe.yaml")}\`.`,
    );
  const values = parse(recipe) as Record<string, unknown>;
  return {
    name: String(values.name),
    hash: folder.replace(/.*-/, ""),
    recipe: values,
    log: await readLog(folder),
    measurements,
  };
}

/** Draws a run from its stored results: report.html, figures/*.svg and cells.csv in its folder. Returns the page's path and what it shows. */
export async function writeReport(
  folder: string,
): Promise<{ page: string; record: RunRecord; claims: readonly ClaimVerdict[] }> {
  const record = await readRecord(folder);
  const { claims: wanted } = recipeSchema.parse(record.recipe);
  const claims = judgeClaims(wanted, record.measurements);
  if (claims.length) await writeAtomic(join(folder, "claims.json"), `${JSON.stringify(claims, null, 1)}\n`);
  const { html, figures, csv } = renderRun({ ...record, claims });
  for (const [name, svg] of Object.entries(figures)) await writeAtomic(join(folder, "figures", `${name}.svg`), svg);
  await writeAtomic(join(folder, "cells.csv"), csv);
  const page = join(folder, "report.html");
  await writeAtomic(page, html);
  return { page, record, claims };
}
