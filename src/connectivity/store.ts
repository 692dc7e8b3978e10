// Where a measurement goes: a folder of its own with the document, every sample's scores, the report and its pictures.
import { existsSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { openCheckpoint, writeCheckpoint } from "../checkpoints/index.ts";
import {
  describeFileError,
  makeFolder,
  makeFreshFolder,
  parseJson,
  type Tensor,
  UserError,
  writeAtomic,
} from "../core/index.ts";
import type { SampleScores } from "./evaluate.ts";
import { encodeMeasurement, type Measurement, parseMeasurement } from "./result.ts";

/** What the report room makes of a measurement. */
export interface Drawing {
  readonly html: string;
  readonly figures: Readonly<Record<string, string>>;
  readonly csv: string;
}

/** Writes a measurement into `folder`, or into a new one under runs/; returns the folder. What was written goes again when something fails. */
export async function saveMeasurement(
  document: Measurement,
  samples: SampleTable,
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
    if (existsSync(join(target, "measure.json"))) await rm(figures, { recursive: true, force: true }); // of an earlier one, perhaps with other scans
    await saveSamples(join(target, "samples.safetensors"), samples);
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

/** The measurement that {@link saveMeasurement} wrote into a folder; undefined where there is none. */
export async function readMeasurement(folder: string): Promise<Measurement | undefined> {
  const path = join(folder, "measure.json");
  return existsSync(path) ? parseMeasurement(parseJson(await readFile(path, "utf8"), path), path) : undefined;
}

/** Every sample's scores, by the key of their mix. */
export type SampleTable = ReadonlyMap<string, SampleScores>;

/** Every sample's loss and error, by mix: tensors `loss` and `error` [mixes, samples] in float32; the metadata's `mixes` lists the sources of each row. */
export async function saveSamples(path: string, samples: SampleTable): Promise<void> {
  const scores = [...samples.values()];
  const count = scores[0].loss.length;
  const stack = (part: keyof SampleScores): Tensor => {
    const data = new Float32Array(scores.length * count);
    scores.forEach((score, i) => {
      data.set(score[part], i * count);
    });
    return { dtype: "float32", shape: [scores.length, count], data };
  };
  const tensors = { loss: stack("loss"), error: stack("error") };
  const infos = Object.entries(tensors).map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
  await writeCheckpoint(path, "safetensors", infos, async (name) => tensors[name as keyof typeof tensors], {
    mixes: JSON.stringify([...samples.keys()]),
  });
}

/** What {@link saveSamples} wrote. */
export async function readSamples(path: string): Promise<SampleTable> {
  const file = await openCheckpoint(path);
  try {
    const mixes: unknown = JSON.parse(file.metadata.mixes ?? "null");
    if (!Array.isArray(mixes))
      throw new UserError(`${path} does not hold the samples of a measurement. Measure again.`);
    const [loss, error] = [await file.read("loss"), await file.read("error")];
    const count = loss.shape[1];
    const row = (all: Tensor, i: number) => all.data.slice(i * count, (i + 1) * count) as Float32Array;
    return new Map(mixes.map((key: string, i) => [key, { loss: row(loss, i), error: row(error, i) }]));
  } finally {
    await file.close();
  }
}
