// MNIST's idx files: train-images-idx3-ubyte with train-labels-idx1-ubyte, t10k-… for the test split, gzipped or not.
// Fashion-MNIST and EMNIST use the same format. The header has big-endian numbers: 0, 0, the type of the elements (8:
// bytes), the number of axes, then each axis.

import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { describeFileError, UserError } from "../../../core/index.ts";
import type { Split } from "../../dataset.ts";
import { chooseSplit } from "../../locate/choose-split.ts";
import { isFolder } from "../../locate/files.ts";
import { planeSource } from "./planes.ts";
import type { PictureSource, SourceRequest } from "./source.ts";

interface Files {
  readonly split: Split;
  readonly images: string;
  /** The expected paths. */
  readonly labels: string;
}

/** In `emnist-balanced-train-images-idx3-ubyte.gz`, the part before `images` names the split. */
const pattern = /^(.*?)(train|t10k|test)-images[-.]idx3-ubyte(\.gz)?$/;

function filesIn(folder: string): Files[] {
  if (!isFolder(folder)) return [];
  const names = readdirSync(folder);
  return names.flatMap((name) => {
    const match = pattern.exec(name);
    if (!match) return [];
    const label = name.replace("-images", "-labels").replace("idx3", "idx1").replace(/\.gz$/, "");
    const labels = [label, `${label}.gz`].find((one) => names.includes(one)) ?? label;
    return [
      { split: match[2] === "train" ? "train" : "test", images: join(folder, name), labels: join(folder, labels) },
    ];
  });
}

/** True for a folder with an image file. */
export const isIdx = (path: string): boolean => filesIn(path).length > 0;

export async function openIdx(path: string, { split }: SourceRequest): Promise<PictureSource> {
  const there = filesIn(path);
  const chosen = chooseSplit(path, there, split);
  const same = there.filter((files) => files.split === chosen.split);
  const names = new Set(same.map(({ images }) => images.replace(/\.gz$/, "")));
  if (names.size > 1)
    throw new UserError(`${path} has several data sets: ${[...names].join(" and ")}. Put each into its own folder.`);
  const images = await readIdx(chosen.images, 3);
  const labels = await readIdx(chosen.labels, 1);
  const [count, height, width] = images.shape;
  if (labels.shape[0] !== count)
    throw new UserError(
      `${chosen.images} has ${count} images, but ${chosen.labels} has ${labels.shape[0]} labels. Download the files again.`,
    );
  return planeSource({
    ...{ path, split: chosen.split, labels: labels.elements, notes: [], bytes: images.elements },
    ...{ width, height, channels: 1, arePlanes: true },
  });
}

interface IdxArray {
  readonly shape: readonly number[];
  readonly elements: Uint8Array;
}

async function readIdx(path: string, axes: number): Promise<IdxArray> {
  const stored = await readFile(path).catch((error) => {
    throw describeFileError(error, path, "read");
  });
  const fault = (what: string) => new UserError(`${path} ${what}. Download the file again.`);
  const bytes = path.endsWith(".gz")
    ? await promisify(gunzip)(stored).catch(() => Promise.reject(fault("is not a complete gzip file")))
    : stored;
  const start = 4 + 4 * axes;
  if (bytes.length < start || bytes.readUInt32BE(0) !== 0x800 + axes)
    throw fault(`is not an idx file with ${axes} axes`);
  const shape = Array.from({ length: axes }, (_, i) => bytes.readUInt32BE(4 + 4 * i));
  const size = shape.reduce((product, n) => product * n, 1);
  if (bytes.length - start !== size)
    throw fault(`has ${bytes.length - start} elements, but its header has ${shape.join("x")}`);
  return { shape, elements: new Uint8Array(bytes.buffer, bytes.byteOffset + start, size) };
}
