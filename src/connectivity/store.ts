// A measurement's folder: the document, every sample's scores, the report and its pictures.
import { existsSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import {
  describeFileError,
  listSome,
  makeFolder,
  makeFreshFolder,
  parseJson,
  requireWritable,
  UserError,
  writeAtomic,
} from "../core/index.ts";
import type { Scores } from "../sweep/index.ts";
import { encodeMeasurement, type Measurement, parseMeasurement } from "./result.ts";

/** A report and its parts: the page, pictures as SVG by name, and the cells as CSV. */
export interface Drawing {
  readonly html: string;
  readonly figures: Readonly<Record<string, string>>;
  readonly csv: string;
}

/**
 * Throws {@link UserError} if results cannot be written into a folder, or would replace files that measure did not
 * write. Check this before hours of work.
 */
export async function requireResultsFolder(folder: string): Promise<void> {
  const present = (names: readonly string[]) => names.filter((name) => existsSync(join(folder, name)));
  if (present(["recipe.yaml", "experiment.json"]).length)
    throw new UserError(
      `${folder} contains an experiment, whose report would be overwritten. Choose another folder with --out.`,
    );
  const foreign = existsSync(join(folder, "measure.json"))
    ? []
    : present(["samples.safetensors", "report.html", "cells.csv", "figures"]);
  if (foreign.length)
    throw new UserError(
      `${folder} contains ${listSome(foreign)}, which measure did not write. Choose another folder with --out.`,
    );
  await requireWritable(folder);
}

/**
 * Writes a measurement into `folder`, or into a new one under runs/; returns the folder. It then holds `measure.json`,
 * `samples.safetensors`, `report.html`, `figures/*.svg` and `cells.csv`. Throws a {@link UserError} if it cannot be
 * written; nothing is left behind then.
 * @example
 * ```ts
 * import { measure, readMeasurement, renderMeasurement, saveMeasurement } from "layerwise";
 *
 * const options = {
 *   a: "rings-a.safetensors",
 *   b: "rings-b.safetensors",
 *   model: { name: "mlp" },
 *   data: { name: "rings.mjs", samples: 50 },
 *   scans: ["full"],
 * };
 * const { document, scores } = await measure(options);
 * const folder = await saveMeasurement(document, scores, renderMeasurement(document), "result");
 * const stored = await readMeasurement(folder);
 * console.log(stored?.verdict.reason === document.verdict.reason); // true
 * ```
 */
export async function saveMeasurement(
  document: Measurement,
  scores: Scores,
  drawing: Drawing,
  folder?: string,
): Promise<string> {
  const made = folder
    ? await makeFolder(folder).catch((error) => Promise.reject(describeFileError(error, folder, "write")))
    : undefined;
  const target =
    folder ??
    makeFreshFolder(join("runs", `measure-${document.model.name}-${document.data.name.replace(/[^\w.-]+/g, "-")}`));
  try {
    const figures = join(target, "figures");
    // pictures of an earlier measurement, perhaps of other scans
    if (existsSync(join(target, "measure.json"))) await rm(figures, { recursive: true, force: true });
    await scores.save(join(target, "samples.safetensors"));
    await saveDrawing(target, drawing);
    await writeAtomic(join(target, "measure.json"), `${JSON.stringify(encodeMeasurement(document), null, 1)}\n`);
    return target;
  } catch (error) {
    if (made || !folder) await rm(made ?? target, { recursive: true, force: true });
    throw error;
  }
}

export async function saveDrawing(folder: string, { html, figures, csv }: Drawing): Promise<void> {
  for (const [name, svg] of Object.entries(figures)) await writeAtomic(join(folder, "figures", `${name}.svg`), svg);
  await writeAtomic(join(folder, "cells.csv"), csv);
  await writeAtomic(join(folder, "report.html"), html);
}

/**
 * The measurement that {@link saveMeasurement} wrote into a folder; undefined where there is none. Throws a
 * {@link UserError} if the document is not of this version.
 * @example
 * ```ts
 * import { readMeasurement } from "layerwise";
 *
 * console.log(await readMeasurement("no-such-folder")); // undefined
 * ```
 */
export async function readMeasurement(folder: string): Promise<Measurement | undefined> {
  const path = join(folder, "measure.json");
  return existsSync(path) ? parseMeasurement(parseJson(await readFile(path, "utf8"), path), path) : undefined;
}
