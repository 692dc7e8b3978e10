// Finds what of a point is already measured, by this recipe or another one with the same networks.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import {
  type Cell,
  loadOrders,
  type Measurement,
  type MeasureOptions,
  parseMeasurement,
  planCells,
  type ScanName,
} from "../../connectivity/index.ts";
import { isModule, moduleName, parseJson } from "../../core/index.ts";
import { originOf } from "../origins/index.ts";
import { contentOf } from "../run-folder/content.ts";
import type { RunFolder } from "../run-folder/folder.ts";
import { type Point, resultPath } from "./point.ts";

/** Adds the stored scans, bases and samples, which may be those of another recipe, to what is to be measured. */
export async function extendByStored(file: string, options: MeasureOptions): Promise<MeasureOptions> {
  const stored = await readStored(file);
  if (!stored) return options;
  const asked = options.scans.filter(isModule).map(moduleName);
  const isKept = (scan: ScanName) => !isModule(scan) || (existsSync(scan) && !asked.includes(moduleName(scan)));
  const scans = stored.cells.map(({ scan }) => scan).filter(isKept);
  const hasOther = stored.cells.some(({ base }) => base !== null && base !== options.base);
  const { samples } = options.data;
  return {
    ...options,
    scans: [...new Set([...options.scans, ...scans])],
    base: hasOther ? "both" : options.base,
    data: { ...options.data, samples: samples === undefined ? undefined : Math.max(samples, stored.data.samples) },
  };
}

/** Whether a stored measurement has every requested cell, on at least as many samples, which have not changed. */
export async function isMeasured(
  { recipe, path }: Pick<RunFolder, "recipe" | "path">,
  point: Pick<Point, "name">,
  { scans, base = "both", orderSeed = 111, data }: MeasureOptions,
): Promise<boolean> {
  const stored = await readStored(resultPath(path, point));
  if (!stored || stored.data.samples < (data.samples ?? (await originOf(recipe).openData(data)).count)) return false;
  if (stored.data.sha256 !== (await contentOf(recipe, { ...data, samples: stored.data.samples }))) return false;
  const key = (cell: Pick<Cell, "scan" | "base" | "averaged">) => `${cell.scan} ${cell.base} ${cell.averaged}`;
  const have = new Set(stored.cells.map(key));
  const names = stored.layers.map((layer) => layer.name);
  const orders = await loadOrders(scans);
  return planCells(names, scans, { base, orderSeed, orders }).every((cell) => have.has(key(cell)));
}

async function readStored(file: string): Promise<Measurement | undefined> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  return text === undefined ? undefined : parseMeasurement(parseJson(text, file), file);
}
