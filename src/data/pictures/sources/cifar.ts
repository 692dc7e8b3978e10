// CIFAR's Python files: cifar-10-batches-py (data_batch_1 to 5, test_batch, batches.meta) or cifar-100-python (train,
// test, meta). These pickles are read by the reader of PyTorch's files, which executes nothing.
import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { readPickledDictionary } from "../../../checkpoints/index.ts";
import { listSome, type Tensor, UserError } from "../../../core/index.ts";
import type { Split } from "../../dataset.ts";
import { chooseSplit } from "../../locate/choose-split.ts";
import { headOf, isFile } from "../../locate/files.ts";
import { planeSource } from "./planes.ts";
import type { PictureSource, SourceRequest } from "./source.ts";

const files: Readonly<Record<string, Split>> = {
  ...Object.fromEntries([1, 2, 3, 4, 5].map((i) => [`data_batch_${i}`, "train"])),
  test_batch: "test",
  train: "train",
  test: "test",
};
const batches = Object.keys(files);
const side = 32;

/** True for a folder of batches, or for one batch file. */
export const isCifar = (path: string): boolean => findBatches(path).length > 0;

/** True for a pickle of protocol 2 or later: other data sets may also have a file or folder named train. */
const isPickle = (path: string): boolean => {
  const [first, protocol] = headOf(path, 2);
  return first === 0x80 && protocol <= 5;
};

interface BatchFile {
  readonly path: string;
  readonly split: Split;
}

function findBatches(path: string): BatchFile[] {
  const own = basename(path);
  if (isFile(path)) return own in files && isPickle(path) ? [{ path, split: files[own] }] : [];
  return batches
    .map((name) => ({ path: join(path, name), split: files[name] }))
    .filter((file) => isFile(file.path) && isPickle(file.path));
}

export interface CifarImages extends Pick<PictureSource, "split" | "classNames" | "notes"> {
  readonly labels: readonly number[];
  /** The planes of red, green and blue of each image. */
  readonly bytes: Uint8Array;
  /** The file has CIFAR-100's coarse and fine labels. */
  readonly areFine: boolean;
}

/** The images of a split, from as many files as the samples need. */
export async function readCifar(
  path: string,
  { split, samples = Number.POSITIVE_INFINITY }: SourceRequest,
): Promise<CifarImages> {
  const there = findBatches(path);
  const chosen = chooseSplit(path, there, split).split;
  const own = there.filter((file) => file.split === chosen);
  const [parts, labels]: [Uint8Array[], number[]] = [[], []];
  let [classNames, areFine]: [readonly string[] | undefined, boolean] = [undefined, false];
  for (const file of own) {
    if (labels.length >= samples) break;
    const batch = await readBatch(file.path);
    if (labels.length === 0) classNames = await readNames(isFile(path) ? dirname(path) : path, batch.key);
    areFine = batch.key === "fine_labels";
    parts.push(batch.pixels);
    labels.push(...batch.labels);
  }
  const missing = batches.filter((name) => name.startsWith("data_batch") && !isFile(join(path, name)));
  const isPart = own.some((file) => basename(file.path).startsWith("data_batch")) && !isFile(path);
  const notes = isPart && missing.length && labels.length < samples ? [`${path} has no ${listSome(missing)}.`] : [];
  return { split: chosen, bytes: Buffer.concat(parts), labels, classNames, notes, areFine };
}

export async function openCifar(path: string, request: SourceRequest): Promise<PictureSource> {
  const images = await readCifar(path, request);
  return planeSource({ path, ...images, width: side, height: side, channels: 3, arePlanes: true });
}

interface PickledBatch {
  readonly pixels: Uint8Array;
  readonly labels: readonly number[];
  /** The key of its labels. */
  readonly key: "labels" | "fine_labels";
}

async function readBatch(path: string): Promise<PickledBatch> {
  const batch = await readPickledDictionary(path);
  const data = batch.get("data") as Tensor | undefined;
  const key = batch.has("labels") ? "labels" : "fine_labels";
  const labels = batch.get(key);
  if (data?.dtype !== "uint8" || data.shape.length !== 2 || data.shape[1] !== 3 * side * side)
    throw new UserError(
      `${path} has no array data of uint8 [n, ${3 * side * side}], as in CIFAR's files. Download the file again.`,
    );
  if (!Array.isArray(labels) || !labels.every(Number.isInteger))
    throw new UserError(`${path} has no labels. Its keys are ${listSome(batch.keys(), 8)}. Download the file again.`);
  if (labels.length !== data.shape[0])
    throw new UserError(`${path} has ${data.shape[0]} images but ${labels.length} labels. Download the file again.`);
  return { pixels: data.data as Uint8Array, labels, key };
}

/** The names of the classes, if their file exists. */
async function readNames(folder: string, key: PickledBatch["key"]): Promise<readonly string[] | undefined> {
  const [file, list] = key === "labels" ? ["batches.meta", "label_names"] : ["meta", "fine_label_names"];
  const path = join(folder, file);
  if (!existsSync(path)) return undefined;
  const names = (await readPickledDictionary(path)).get(list);
  return Array.isArray(names) ? names.map(String) : undefined;
}
