// Image sets in CIFAR's binary layout: records of label bytes and planes of red, green and blue. Pixels are normalised
// by a table of 256 values per channel. Augmentation is applied to the bytes, before normalisation, so the border of a
// crop is black.
import { listSome, type Random, sha256, tensor, UserError } from "../core/index.ts";
import type { Batch, BatchOptions, DataOptions, Dataset, Split } from "./dataset.ts";
import { MissingData } from "./missing.ts";
import { fewerSamples, tooFewSamples } from "./too-few.ts";

export interface ImageFormat {
  readonly name: string;
  /** Side of the square images, in pixels. */
  readonly side: number;
  readonly classes: number;
  /** Number of bytes before the pixels; the last one is the class. */
  readonly labelBytes: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** A data set from records in memory. */
export function imageDataset(
  format: ImageFormat,
  split: Split,
  records: Uint8Array,
  { mean = format.mean, std = format.std }: DataOptions,
): Dataset {
  const { name, side, classes, labelBytes } = format;
  const plane = side * side;
  const record = labelBytes + 3 * plane;
  const count = records.length / record;
  for (const [what, list] of Object.entries({ mean, std })) {
    if (list.length !== 3)
      throw new UserError(`--${what} needs 3 numbers for ${name}, one for each channel, but has ${list.length}.`);
  }
  if (std.some((deviation) => !(deviation > 0)))
    throw new UserError(`--std must be positive, but is ${std.join(", ")}. Give numbers above 0.`);
  for (let i = 0; i < count; i++) {
    const label = records[i * record + labelBytes - 1];
    if (label >= classes)
      throw new UserError(
        `Sample ${i} of ${name} (${split}) has label ${label}, but there are ${classes} classes. The file is corrupt. Fetch it again.`,
      );
  }
  const tables = mean.map((m, c) =>
    Float32Array.from({ length: 256 }, (_, byte) => (Math.fround(byte / 255) - m) / std[c]),
  );

  const batch = (indices: ArrayLike<number>, { augment }: BatchOptions = {}): Batch => {
    const n = indices.length;
    const input = tensor("float32", [n, 3, side, side]);
    const labels = tensor("int64", [n]);
    for (let i = 0; i < n; i++) {
      const at = indices[i] * record + labelBytes;
      (labels.data as BigInt64Array)[i] = BigInt(records[at - 1]);
      const pixels = records.subarray(at, at + 3 * plane);
      const out = (input.data as Float32Array).subarray(i * 3 * plane, (i + 1) * 3 * plane);
      const change = augment ? drawChange(augment, side) : noChange;
      for (let c = 0; c < 3; c++) normalisePlane(pixels, out, c * plane, side, tables[c], change);
    }
    return { inputs: { input }, labels };
  };
  return {
    name,
    split,
    count,
    inputs: [{ name: "input", dtype: "float32", shape: [3, side, side] }],
    labelShape: [],
    classes,
    get sha256() {
      return sha256(records); // on demand: all of CIFAR-10 takes a while
    },
    classOf: () => Uint8Array.from({ length: count }, (_, i) => records[i * record + labelBytes - 1]),
    batch,
  };
}

/** The offset of the crop in the image, and whether it is mirrored. */
interface Change {
  readonly dy: number;
  readonly dx: number;
  readonly flip: boolean;
}

const noChange: Change = { dy: 0, dx: 0, flip: false };

/**
 * Draws a crop from the image with a black border of an eighth of its side (4 of 32 pixels), and a flip with
 * probability 1/2.
 */
function drawChange(random: Random, side: number): Change {
  const border = side / 8;
  return {
    dy: random.integer(2 * border + 1) - border,
    dx: random.integer(2 * border + 1) - border,
    flip: random.uniform() < 0.5,
  };
}

function normalisePlane(
  pixels: Uint8Array,
  out: Float32Array,
  start: number,
  side: number,
  table: Float32Array,
  { dy, dx, flip }: Change,
): void {
  for (let y = 0; y < side; y++) {
    const row = y + dy;
    const inside = row >= 0 && row < side;
    for (let x = 0; x < side; x++) {
      const column = (flip ? side - 1 - x : x) + dx;
      const byte = inside && column >= 0 && column < side ? pixels[start + row * side + column] : 0;
      out[start + y * side + x] = table[byte];
    }
  }
}

/** Halves the side of records: each pixel is the mean of 2x2 bytes, with halves rounded up. */
export function halve(records: Uint8Array, { side, labelBytes }: ImageFormat): Uint8Array {
  const [plane, half] = [side * side, side / 2];
  const [from, to] = [labelBytes + 3 * plane, labelBytes + 3 * half * half];
  const count = records.length / from;
  const halved = new Uint8Array(count * to);
  for (let i = 0; i < count; i++) {
    halved.set(records.subarray(i * from, i * from + labelBytes), i * to);
    for (let c = 0; c < 3; c++) {
      for (let y = 0; y < half; y++) {
        for (let x = 0; x < half; x++) {
          const at = i * from + labelBytes + c * plane + 2 * y * side + 2 * x;
          const sum = records[at] + records[at + 1] + records[at + side] + records[at + side + 1];
          halved[i * to + labelBytes + (c * half + y) * half + x] = (sum + 2) >> 2;
        }
      }
    }
  }
  return halved;
}

/** The data set from official records, at their size or half of it. Throws {@link UserError} for any other size. */
export function officialImages(
  format: ImageFormat,
  split: Split,
  records: Uint8Array,
  { size = format.side, ...options }: DataOptions,
): Dataset {
  if (size === format.side) return imageDataset(format, split, records, options);
  if (size !== format.side / 2)
    throw new UserError(
      `Images of ${format.name} can have a side of ${format.side} or ${format.side / 2} pixels, not ${size}. Change data.size.`,
    );
  return imageDataset({ ...format, side: size }, split, halve(records, format), options);
}

/**
 * Reads the first `samples` records (all if undefined) from files in order. Later files may be missing if the samples
 * are in the others.
 */
export async function readRecords(
  paths: readonly string[],
  record: number,
  samples: number | undefined,
  what: string,
  read: (path: string, bytes: number | undefined) => Promise<Uint8Array | undefined>,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const missing: string[] = [];
  let have = 0;
  for (const path of paths) {
    if (samples !== undefined && have >= samples) break;
    const bytes = await read(path, samples === undefined ? undefined : (samples - have) * record);
    if (!bytes) {
      missing.push(path);
      continue;
    }
    if (bytes.length % record !== 0)
      throw new UserError(
        `${path} is truncated or not a CIFAR file: its size is not a multiple of ${record} bytes. Fetch it again.`,
      );
    parts.push(bytes);
    have += bytes.length / record;
  }
  if (have === 0)
    throw new MissingData(`${what} is missing: there is no ${paths[0]}`, [what.toLowerCase().replace("-", "")]);
  if (samples === undefined && missing.length)
    throw new UserError(
      `${what} is incomplete: there is no ${listSome(missing, 2)}. Add the missing files, or use ${fewerSamples}.`,
    );
  return firstRecords(Buffer.concat(parts), record, samples, what, missing.length > 0);
}

/** The first `samples` records (all if undefined). Throws {@link UserError} if there are fewer. */
export function firstRecords(
  records: Uint8Array,
  record: number,
  samples: number | undefined,
  what: string,
  isIncomplete = false,
): Uint8Array {
  const have = records.length / record;
  if (samples !== undefined && have < samples) {
    throw tooFewSamples(
      `${what} has ${have} samples${isIncomplete ? " here" : ""}`,
      samples,
      isIncomplete ? "; or add the missing files" : "",
    );
  }
  return records.subarray(0, samples === undefined ? records.length : samples * record);
}
