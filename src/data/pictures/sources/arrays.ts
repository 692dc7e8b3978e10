// numpy arrays in two files: images.npy and labels.npy in a folder (or in one for each split), train_images.npy,
// x_train.npy and similar names; or an image file with its labels in the same folder. Pixels are bytes, or bytes
// divided by 255; channels are last or first.
import { readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { readNpy } from "../../../checkpoints/index.ts";
import { isFloating, type Tensor, toNumbers, UserError } from "../../../core/index.ts";
import type { Split } from "../../dataset.ts";
import { chooseSplit } from "../../locate/choose-split.ts";
import { isFile, isFolder } from "../../locate/files.ts";
import { splitOf } from "../../locate/splits.ts";
import { planeSource } from "./planes.ts";
import type { PictureSource, SourceRequest } from "./source.ts";

interface Files {
  readonly split: Split;
  readonly images: string;
  readonly labels: string;
}

const isImages = (name: string): boolean => /\.npy$/.test(name) && labelsName(name) !== undefined;

/** The name of the labels file for an images file: `images` and `labels`, `x` and `y`. */
function labelsName(name: string): string | undefined {
  if (/images/i.test(name)) return name.replace(/images/i, "labels");
  return /(^|_)x(_|\.)/i.test(name) ? name.replace(/(^|_)x(_|\.)/i, "$1y$2") : undefined;
}

/** The pairs of files at a path. */
function filesAt(path: string): Files[] {
  if (isFile(path)) {
    const name = basename(path);
    if (!isImages(name)) return [];
    const own = join(dirname(path), labelsName(name)!);
    return [
      { split: splitIn(name) ?? "test", images: path, labels: isFile(own) ? own : join(dirname(path), "labels.npy") },
    ];
  }
  if (!isFolder(path)) return [];
  const pairsIn = (folder: string, given?: Split): Files[] =>
    readdirSync(folder).flatMap((name) => {
      const labels = isImages(name) ? join(folder, labelsName(name)!) : "";
      if (!isFile(labels)) return [];
      return [{ split: splitIn(name) ?? given ?? "test", images: join(folder, name), labels }];
    });
  const folders = readdirSync(path).filter((name) => splitOf(name) && isFolder(join(path, name)));
  return [...pairsIn(path), ...folders.flatMap((name) => pairsIn(join(path, name), splitOf(name)))];
}

/** `train_images.npy` and `x_train.npy` name a split. */
const splitIn = (name: string): Split | undefined =>
  name
    .split(/[-_.]/)
    .map(splitOf)
    .find((split) => split);

export const isArrays = (path: string): boolean => filesAt(path).length > 0;

export async function openArrays(path: string, { split, samples }: SourceRequest): Promise<PictureSource> {
  const there = filesAt(path);
  if (isFile(path) && split !== undefined)
    throw new UserError(`${path} is a single file, so it has no splits. Omit --split, or give a folder.`);
  const { images, labels, ...chosen } = chooseSplit(path, there, split);
  const others = there.filter((files) => files.split === chosen.split);
  if (others.length > 1)
    throw new UserError(
      `${path} has several image files: ${others.map((files) => basename(files.images)).join(", ")}. Give one of them.`,
    );
  const [pixels, marks] = [await readNpy(images, samples), await readNpy(labels)];
  const { shape } = marks;
  if (shape.length !== 1 || isFloating(marks.dtype))
    throw new UserError(
      `${labels} is ${marks.dtype} [${shape}], but must have one integer for each image. Save class indices.`,
    );
  if (samples === undefined ? shape[0] !== pixels.shape[0] : shape[0] < pixels.shape[0])
    throw new UserError(
      `${images} has ${pixels.shape[0]} images, but ${labels} has ${shape[0]} labels. Save both again.`,
    );
  const layout = layoutOf(images, pixels.shape);
  const own = Array.from(toNumbers(marks).subarray(0, pixels.shape[0]));
  return planeSource({
    path: images,
    split: chosen.split,
    labels: own,
    notes: [],
    ...layout,
    bytes: bytesOf(images, pixels),
  });
}

/** Finds the channel axis by its size: the last or the second. */
function layoutOf(path: string, shape: readonly number[]) {
  const [, second, third, last] = shape;
  if (shape.length === 3) return { height: second, width: third, channels: 1, arePlanes: false } as const;
  const isChannels = (n: number): n is 1 | 3 => n === 1 || n === 3;
  if (shape.length !== 4 || (!isChannels(second) && !isChannels(last)))
    throw new UserError(
      `${path} has shape [${shape}], but images must be [n, height, width], or have one or three channels at the end or after n. Save them in this layout.`,
    );
  if (isChannels(second) && isChannels(last))
    throw new UserError(
      `${path} has shape [${shape}], so its channels may be first or last. Save larger images, or use npz:FILE.`,
    );
  return isChannels(last)
    ? { height: second, width: third, channels: last, arePlanes: false }
    : { height: third, width: last, channels: second as 1 | 3, arePlanes: true };
}

function bytesOf(path: string, { dtype, data, ...pixels }: Tensor): Uint8Array {
  if (dtype === "uint8") return data as Uint8Array;
  const numbers = toNumbers({ dtype, data, ...pixels });
  const factor = isFloating(dtype) ? 255 : 1;
  const bytes = new Uint8Array(numbers.length);
  for (let i = 0; i < numbers.length; i++) {
    const value = numbers[i] * factor;
    bytes[i] = Math.round(value);
    if (!(Math.abs(value - bytes[i]) < 0.01))
      throw new UserError(
        `${path} has the value ${numbers[i]}, but pixels must be bytes, or bytes divided by 255. Save uint8 pixels, or give normalised arrays with npz:FILE.`,
      );
  }
  return bytes;
}
