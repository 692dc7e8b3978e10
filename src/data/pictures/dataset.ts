// Pictures as samples of a network: read, shaped and normalised when a batch needs them. The shaped bytes of the first
// pictures stay in memory, since every pass over the data needs the same ones.
import { listSome, tensor, UserError } from "../../core/index.ts";
import type { Batch, Dataset } from "../dataset.ts";
import { normalise, outputSize, type Pipeline, shapePicture } from "./pipelines/pipeline.ts";
import type { Picture } from "./pixels/picture.ts";
import type { PictureSource } from "./sources/source.ts";

export interface PictureOptions {
  readonly pipeline: Pipeline;
  /** The name of the network's input; default pixel_values. */
  readonly input?: string;
  /**
   * The network's label of a class by name; undefined for an unknown name. Default: the index of the class in the data.
   */
  readonly labelOf?: (className: string) => number | undefined;
  /** The network's label names, for messages. */
  readonly labelNames?: readonly string[];
  /** More notes for the result. */
  readonly notes?: readonly string[];
}

export interface PictureDataset extends Dataset {
  /** The names of the data's classes by index, the values of `labels` without `labelOf`. */
  readonly classNames?: readonly string[];
}

/** Size of the shaped pictures that stay in memory, in bytes. */
const mostKept = 256 * 2 ** 20;

/** Makes a data set of the first `count` pictures of a source. */
export function pictureDataset(
  name: string,
  source: PictureSource,
  count: number,
  { pipeline, input = "pixel_values", labelOf, labelNames = [], notes = [] }: PictureOptions,
): PictureDataset {
  const labels = labelsOf(name, source, count, labelOf, labelNames);
  const size = outputSize(pipeline) ?? ownSize(source, pipeline);
  const [height, width] = size;
  const kept = new Map<number, Picture>();
  let hash: string | undefined; // covers every file, so it is computed on demand, once

  const shaped = function* (indices: readonly number[]): Generator<readonly [number, Picture]> {
    const missing = indices.filter((index) => !kept.has(index));
    const read = source.read(missing)[Symbol.iterator]();
    for (const index of indices) {
      let picture = kept.get(index);
      if (!picture) {
        picture = shapeNamed(read.next().value!, pipeline, source.nameOf(index));
        requireSize(picture, size, source.nameOf(index));
        if ((kept.size + 1) * 3 * height * width <= mostKept) kept.set(index, picture);
      }
      yield [index, picture];
    }
  };
  const batch = (indices: ArrayLike<number>): Batch => {
    const order = Array.from(indices);
    const values = new Float32Array(order.length * 3 * height * width);
    const places = new Map<number, number[]>();
    for (const [place, index] of order.entries()) places.set(index, [...(places.get(index) ?? []), place]);
    for (const [index, picture] of shaped([...places.keys()]))
      for (const place of places.get(index)!)
        normalise(picture, pipeline, values.subarray(place * 3 * height * width, (place + 1) * 3 * height * width));
    return {
      inputs: { [input]: { dtype: "float32", shape: [order.length, 3, height, width], data: values } },
      labels: tensor(
        "int64",
        [order.length],
        order.map((index) => labels[index]),
      ),
    };
  };
  return {
    name,
    split: source.split,
    count,
    inputs: [{ name: input, dtype: "float32", shape: [3, height, width] }],
    labelShape: [],
    classes: labelOf || !source.classNames ? Math.max(...labels) + 1 : source.classNames.length,
    classNames: source.classNames,
    notes: [...source.notes, ...notes],
    get sha256() {
      hash ??= source.hashOf(count);
      return hash;
    },
    hashOf: (some) => source.hashOf(some),
    classOf: () => labels,
    batch,
  };
}

/** The network's label of every picture. */
function labelsOf(
  name: string,
  { labels, classNames, nameOf }: PictureSource,
  count: number,
  labelOf: PictureOptions["labelOf"],
  labelNames: readonly string[],
): number[] {
  const own = Array.from({ length: count }, (_, i) => labels[i]);
  const wrong = own.findIndex((label) => !(Number.isInteger(label) && label >= 0));
  if (wrong >= 0)
    throw new UserError(
      `${nameOf(wrong)} has no label${own[wrong] === undefined ? "" : ` (${own[wrong]})`}. Choose a split with labels.`,
    );
  if (!labelOf || !classNames) return own;
  const known = new Map<number, number>();
  const unnamed = new Set<string>();
  for (const label of new Set(own)) {
    const mapped = labelOf(classNames[label]);
    if (mapped === undefined) unnamed.add(classNames[label]);
    else known.set(label, mapped);
  }
  if (unnamed.size)
    throw new UserError(
      `${name} has the ${unnamed.size > 1 ? "classes" : "class"} ${listSome([...unnamed].map((one) => JSON.stringify(one)))}, but the network has no such label${labelNames.length ? ` (${listSome(labelNames, 8)})` : ""}. Rename or remove the ${unnamed.size > 1 ? "classes" : "class"}.`,
    );
  return own.map((label) => known.get(label)!);
}

/** The size of the first picture, which all must have if the pipeline does not resize. */
function ownSize(source: PictureSource, pipeline: Pipeline): readonly [number, number] {
  const [first] = source.read([0]);
  const { height, width } = shapeNamed(first, pipeline, source.nameOf(0));
  return [height, width];
}

function shapeNamed(picture: Picture, pipeline: Pipeline, name: string): Picture {
  try {
    return shapePicture(picture, pipeline);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UserError(
      `${name} is ${picture.width}x${picture.height} pixels, too narrow to resize for the network: ${error.message} would remain. Remove or crop it.`,
      { cause: error },
    );
  }
}

function requireSize({ height, width }: Picture, [rows, columns]: readonly [number, number], name: string): void {
  if (height === rows && width === columns) return;
  throw new UserError(
    `${name} has ${width}x${height} pixels after preprocessing, but the first image has ${columns}x${rows}. Give images of one size, or a preprocessor that crops them.`,
  );
}
