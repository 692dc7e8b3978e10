// A custom data set in a JavaScript module: --data ./mine.mjs. Its default export is a function that gets the options
// and returns the arrays: `export default ({ split, samples, dir, context }) => ({ inputs: { NAME: { shape, data } },
// labels: { shape, data } })`, directly or as a promise. `shape` starts with the number of samples; `data` is a typed
// array or an array of numbers, row by row; `dtype` (float32, int64 …) is optional.

import { z } from "zod";
import { type DType, dtypes, importDefault, sizeOf, type Tensor, tensor, UserError } from "../../core/index.ts";
import { arrayDataset } from "../arrays.ts";
import type { DataOptions, Dataset } from "../dataset.ts";

const array = z.object({
  shape: z.array(z.int().min(0)).min(1),
  data: z.custom<ArrayLike<number | bigint>>(
    (value) => Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView)),
    "must be a typed array or an array of numbers",
  ),
  dtype: z.enum(dtypes as [DType, ...DType[]]).optional(),
});
const schema = z.object({ inputs: z.record(z.string(), array), labels: array });

const typeOf = (data: unknown): DType =>
  data instanceof BigInt64Array || data instanceof BigUint64Array
    ? "int64"
    : data instanceof Int32Array || data instanceof Int16Array || data instanceof Int8Array
      ? "int32"
      : data instanceof Uint8Array
        ? "uint8"
        : "float32";

export async function openModuleData(path: string, options: DataOptions): Promise<Dataset> {
  const say = (what: string) => new UserError(`${path} ${what}. See docs/extending.md.`);
  const open = await importDefault(path, "docs/extending.md");
  if (typeof open !== "function") throw say("does not export a function by default");
  const { declared, ...theirs } = options;
  const given = await Promise.resolve(theirs)
    .then(open as (options: DataOptions) => unknown)
    .catch((error) => {
      throw say(`fails: ${(error as Error).message}`);
    });
  const parsed = schema.safeParse(given);
  if (!parsed.success) {
    const { path: field, message } = parsed.error.issues[0];
    throw say(`does not return inputs and labels (${field.join(".") || "result"}: ${message})`);
  }
  const { inputs, labels } = parsed.data;
  // labels in a plain array are classes if all are integers
  const isWhole = Array.isArray(labels.data) && labels.data.every((x) => Number.isInteger(Number(x)));
  const all = Object.entries(inputs).map(([name, value]): [string, Tensor] => [name, toTensor(name, value, say)]);
  const marks = toTensor("labels", { ...labels, dtype: labels.dtype ?? (isWhole ? "int64" : undefined) }, say);
  return arrayDataset(path, path, { inputs: new Map(all), labels: marks }, options);
}

function toTensor(
  name: string,
  { shape, data, dtype }: z.infer<typeof array>,
  say: (what: string) => UserError,
): Tensor {
  if (data.length !== sizeOf(shape)) throw say(`returns ${data.length} elements for ${name} of shape [${shape}]`);
  return tensor(dtype ?? typeOf(data), shape, data);
}
