// A data set over arrays in memory: one array for each input and one of labels, the first axis the samples. Whole-number labels are classes, others the
// values of a regression.
import {
  bytesOf,
  fromNumbers,
  isFloating,
  sha256,
  sizeOf,
  type Tensor,
  tensor,
  toNumbers,
  UserError,
} from "../core/index.ts";
import type { Batch, Dataset, Split } from "./dataset.ts";

export interface Arrays {
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly labels: Tensor;
}

/** Checks the arrays and makes the data set of the first `samples`. `where` names their source in messages. */
export function arrayDataset(
  name: string,
  where: string,
  { inputs, labels }: Arrays,
  split: Split,
  samples: number | undefined,
): Dataset {
  if (inputs.size === 0)
    throw new UserError(`${where} holds labels only. Add the model's inputs as arrays named as the model names them.`);
  const sizes = [...inputs, ["labels", labels] as const].map(([key, { shape }]) => ({ key, count: shape[0] ?? 0 }));
  const unlike = sizes.find(({ count }) => count !== sizes[0].count);
  if (unlike)
    throw new UserError(
      `${where} has ${sizes[0].count} samples in ${sizes[0].key} but ${unlike.count} in ${unlike.key}. Give arrays of equal first axes.`,
    );
  const have = sizes[0].count;
  if (have === 0) throw new UserError(`${where} holds no samples. Give arrays with at least one.`);
  if (samples !== undefined && samples > have)
    throw new UserError(`${where} holds ${have} samples, but ${samples} are asked for. Ask for fewer (--samples).`);
  const count = samples ?? have;
  const chosen = new Map([...inputs].map(([key, array]) => [key, usable(first(array, count))]));
  const marks = isFloating(labels.dtype) ? single(first(labels, count)) : whole(first(labels, count), where);
  for (const [key, array] of [...chosen, ["labels", marks] as const]) requireFinite(where, key, array);
  return {
    name,
    split,
    count,
    inputs: [...chosen].map(([key, { dtype, shape }]) => ({ name: key, dtype, shape: shape.slice(1) })),
    labelShape: marks.shape.slice(1),
    labelType: marks.dtype as "int64" | "float32",
    classes: marks.dtype === "int64" ? largest(marks) + 1 : 0,
    get sha256() {
      const parts = [...chosen, ["labels", marks] as const];
      return sha256(parts.map(([key, t]) => `${key} ${t.dtype} ${t.shape} ${sha256(bytesOf(t))}`).join("\n"));
    },
    ...(marks.dtype === "int64" && marks.shape.length === 1 ? { classOf: () => Array.from(toNumbers(marks)) } : {}),
    batch: (indices): Batch => ({
      inputs: Object.fromEntries([...chosen].map(([key, array]) => [key, pick(array, indices)])),
      labels: pick(marks, indices),
    }),
  };
}

const first = ({ dtype, shape, data }: Tensor, count: number): Tensor => ({
  dtype,
  shape: [count, ...shape.slice(1)],
  data: data.subarray(0, count * sizeOf(shape.slice(1))) as Tensor["data"],
});

/** Doubles become singles, as every network takes them. */
const single = (array: Tensor): Tensor =>
  array.dtype === "float32" ? array : fromNumbers("float32", array.shape, toNumbers(array));
const usable = (array: Tensor): Tensor => (array.dtype === "float64" ? single(array) : array);

function whole(labels: Tensor, where: string): Tensor {
  const values = toNumbers(labels);
  const at = values.findIndex((x) => x < 0);
  if (at >= 0)
    throw new UserError(`Label ${at} in ${where} is ${values[at]}, but classes are counted from 0. Mend the labels.`);
  return labels.dtype === "int64" ? labels : tensor("int64", labels.shape, values);
}

function requireFinite(where: string, key: string, array: Tensor): void {
  if (!isFloating(array.dtype)) return;
  const at = toNumbers(array).findIndex((x) => !Number.isFinite(x));
  if (at < 0) return;
  const sample = Math.floor(at / sizeOf(array.shape.slice(1)));
  throw new UserError(`Sample ${sample} of ${key} in ${where} holds a value that is not finite. Mend the array.`);
}

function largest({ data }: Tensor): number {
  let most = 0;
  for (const label of data) most = Math.max(most, Number(label));
  return most;
}

function pick({ dtype, shape, data }: Tensor, indices: ArrayLike<number>): Tensor {
  const size = sizeOf(shape.slice(1));
  const picked = tensor(dtype, [indices.length, ...shape.slice(1)]);
  for (let i = 0; i < indices.length; i++)
    (picked.data as Float32Array).set(
      data.subarray(indices[i] * size, (indices[i] + 1) * size) as Float32Array,
      i * size,
    );
  return picked;
}
