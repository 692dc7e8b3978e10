// A data set from arrays in memory: one array for each input and one for the labels, with the samples along the first
// axis. Integer labels are classes; others are the values of a regression.
import {
  bytesOf,
  type DType,
  fromNumbers,
  isFloating,
  sha256,
  sizeOf,
  type Tensor,
  tensor,
  toNumbers,
  UserError,
} from "../core/index.ts";
import type { Batch, DataOptions, Dataset } from "./dataset.ts";
import { layOut } from "./layout.ts";
import { tooFewSamples } from "./too-few.ts";

export interface Arrays {
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly labels: Tensor;
}

/**
 * Checks the arrays and makes a data set of the first `samples`. `where` names the source in messages. The samples are
 * along the first axes, unless a network's declared inputs require another layout (layout.ts).
 */
export function arrayDataset(
  name: string,
  where: string,
  arrays: Arrays,
  { split = "train", samples, declared }: Pick<DataOptions, "split" | "samples" | "declared">,
  notes?: Dataset["notes"],
): Dataset {
  if (arrays.inputs.size === 0)
    throw new UserError(`${where} contains only labels. Add the model's inputs as arrays with the model's names.`);
  const { count: have, inputs: laid, labels } = layOut(where, arrays, declared);
  if (have === 0) throw new UserError(`${where} contains no samples. Give arrays with at least one.`);
  if (samples !== undefined && samples > have) throw tooFewSamples(`${where} contains ${have} samples`, samples);
  const count = samples ?? have;
  const chosen = new Map(
    [...laid].map(([key, { array, axis }]) => [
      key,
      { array: usable(axis === null ? array : first(array, count)), axis },
    ]),
  );
  const marks = isFloating(labels.dtype) ? single(first(labels, count)) : whole(first(labels, count));
  for (const [key, { array }] of chosen) {
    requireFinite(where, key, array);
    requireRange(where, key, array, laid.get(key)!.dtype);
  }
  requireFinite(where, "labels", marks);
  if (marks.dtype === "int64" && (marks.data as BigInt64Array).every((label) => label < 0n))
    throw new UserError(
      `All labels in ${where} are negative, so none counts in the loss. Save class indices, counted from 0.`,
    );
  // arrays that the network does not use only affect the hash
  const others = [...arrays.inputs].filter(([key, { shape }]) => !laid.has(key) && shape[0] === have);
  const hashOf = (some: number) => {
    const used = new Map(
      [...chosen].map(([key, { array, axis }]) => [key, axis === null ? array : first(array, some)]),
    );
    for (const [key, array] of others) used.set(key, usable(first(array, some)));
    const inOrder = [...arrays.inputs.keys()].flatMap((key) => (used.has(key) ? [[key, used.get(key)!] as const] : []));
    const parts = [...inOrder, ["labels", first(marks, some)] as const];
    return sha256(parts.map(([key, t]) => `${key} ${t.dtype} ${t.shape} ${sha256(bytesOf(t))}`).join("\n"));
  };
  let hash: string | undefined;
  const fed: Unlabelled = {
    name,
    split,
    count,
    ...(notes ? { notes } : {}),
    inputs: [...chosen].map(([key, { array, axis }]) => {
      const { dtype, shape } = array;
      return { name: key, dtype, shape: axis === null ? shape : shape.slice(1), ...(axis === 0 ? {} : { axis }) };
    }),
    get sha256() {
      hash ??= hashOf(count);
      return hash;
    },
    hashOf,
  };
  return withLabels(fed, marks, (indices) =>
    Object.fromEntries(
      [...chosen].map(([key, { array, axis }]) => [key, axis === null ? array : pick(array, indices, axis)]),
    ),
  );
}

/** The properties of a data set that depend on its labels. */
type Labelled = Pick<Dataset, "labels" | "labelShape" | "labelType" | "classes" | "weights" | "classOf">;

type Unlabelled = Omit<Dataset, keyof Labelled | "batch">;

function labelled(labels: Tensor): Labelled {
  const isClasses = labels.dtype === "int64";
  return {
    labels,
    labelShape: labels.shape.slice(1),
    labelType: isClasses ? "int64" : "float32",
    classes: isClasses ? largest(labels) + 1 : 0,
    weights: isClasses ? countLabels(labels.data as BigInt64Array, sizeOf(labels.shape.slice(1))) : undefined,
    ...(isClasses && labels.shape.length === 1 ? { classOf: () => Array.from(toNumbers(labels)) } : {}),
  };
}

/** The same samples with different labels: int64 for classes, float32 for values. */
export const relabel = (data: Dataset, labels: Tensor): Dataset =>
  withLabels(data, labels, (indices, options) => data.batch(indices, options).inputs);

/** A data set's inputs with labels. Its hash remains a getter, which computes it on demand. */
function withLabels(
  data: Unlabelled,
  labels: Tensor,
  inputsOf: (...batch: Parameters<Dataset["batch"]>) => Batch["inputs"],
): Dataset {
  const own: Pick<Dataset, "batch"> & Labelled = {
    ...labelled(labels),
    batch: (indices, options) => ({ inputs: inputsOf(indices, options), labels: pick(labels, indices) }),
  };
  const { classOf: _, ...rest } = Object.getOwnPropertyDescriptors(data) as PropertyDescriptorMap;
  return Object.defineProperties({}, { ...rest, ...Object.getOwnPropertyDescriptors(own) }) as Dataset;
}

/** The number of non-negative labels of each sample, of `width` in total; undefined if all labels count. */
export function countLabels(labels: ArrayLike<number | bigint>, width: number): Float32Array | undefined {
  const counts = new Float32Array(labels.length / width);
  let all = 0;
  for (let i = 0; i < labels.length; i++)
    if (labels[i] >= 0) {
      counts[Math.floor(i / width)]++;
      all++;
    }
  return all < labels.length ? counts : undefined;
}

const first = ({ dtype, shape, data }: Tensor, count: number): Tensor => ({
  dtype,
  shape: [count, ...shape.slice(1)],
  data: data.subarray(0, count * sizeOf(shape.slice(1))) as Tensor["data"],
});

/** Converts float64 and bfloat16 to float32, the type that networks use. */
const single = (array: Tensor): Tensor =>
  array.dtype === "float32" ? array : fromNumbers("float32", array.shape, toNumbers(array));
const usable = (array: Tensor): Tensor => (/^(float64|bfloat16)$/.test(array.dtype) ? single(array) : array);

/** Integer labels of any type as class indices; negative ones do not count. */
const whole = (labels: Tensor): Tensor =>
  labels.dtype === "int64" ? labels : tensor("int64", labels.shape, toNumbers(labels));

function requireFinite(where: string, key: string, array: Tensor): void {
  if (!isFloating(array.dtype)) return;
  const at = toNumbers(array).findIndex((x) => !Number.isFinite(x));
  if (at < 0) return;
  const sample = Math.floor(at / sizeOf(array.shape.slice(1)));
  throw new UserError(`Sample ${sample} of ${key} in ${where} has a value that is not finite. Correct the array.`);
}

/** The range of integers of each dtype smaller than int64. */
const ranges: Readonly<Partial<Record<DType, readonly [number, number]>>> = {
  bool: [0, 1],
  uint8: [0, 2 ** 8 - 1],
  int8: [-(2 ** 7), 2 ** 7 - 1],
  uint16: [0, 2 ** 16 - 1],
  int16: [-(2 ** 15), 2 ** 15 - 1],
  uint32: [0, 2 ** 32 - 1],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint64: [0, Number.POSITIVE_INFINITY],
};

/** Throws {@link UserError} if integers would change in the network's dtype. */
function requireRange(where: string, key: string, array: Tensor, wanted: DType | undefined): void {
  const range = wanted && array.dtype !== wanted && !isFloating(array.dtype) ? ranges[wanted] : undefined;
  const value = range && toNumbers(array).find((x) => x < range[0] || x > range[1]);
  if (value !== undefined)
    throw new UserError(
      `The model takes ${key} as ${wanted}, but in ${where} it has the value ${value}. Save ${key} as ${wanted}.`,
    );
}

function largest({ data }: Tensor): number {
  let most = 0;
  for (const label of data) most = Math.max(most, Number(label));
  return most;
}

/** The samples with the given indices, stacked along an axis. */
function pick({ dtype, shape, data }: Tensor, indices: ArrayLike<number>, axis = 0): Tensor {
  const sample = shape.slice(1);
  const [size, outer, inner] = [sample, sample.slice(0, axis), sample.slice(axis)].map(sizeOf);
  const picked = tensor(dtype, sample.toSpliced(axis, 0, indices.length));
  for (let i = 0; i < indices.length; i++)
    for (let o = 0; o < outer; o++) {
      const from = indices[i] * size + o * inner;
      (picked.data as Float32Array).set(
        data.subarray(from, from + inner) as Float32Array,
        (o * indices.length + i) * inner,
      );
    }
  return picked;
}
