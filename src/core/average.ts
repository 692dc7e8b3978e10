// The average of two tensors, (1 - alpha) a + alpha b, in double precision and rounded once to the result's dtype.
// It is made chunk by chunk, so that it takes no memory but its result's.
import {
  chunkLength,
  fromNumbers,
  halfValues,
  roundToBrains,
  roundToHalves,
  toNumbers,
  widenBrains,
  widenHalves,
} from "./numbers.ts";
import { type DType, makeArray, type Tensor } from "./tensor.ts";

/** The average as a tensor of a's shape; at alpha 0 and 1 an end itself where it has the dtype, to the last bit. */
export function average(a: Tensor, b: Tensor, alpha: number, dtype: DType = "float32"): Tensor {
  if (alpha === 0) return convert(a, dtype);
  if (alpha === 1) return convert(b, dtype);
  const result: Tensor = { dtype, shape: a.shape, data: makeArray(dtype, a.data.length) };
  averageInto(result, a, b, alpha);
  return result;
}

/** The same elements in another floating dtype. */
export function convert(tensor: Tensor, dtype: DType): Tensor {
  if (tensor.dtype === dtype) return tensor;
  const data = toNumbers(tensor);
  if (dtype === "float32" && data instanceof Float32Array)
    return { dtype, shape: tensor.shape, data: data as Float32Array<ArrayBuffer> };
  return fromNumbers(dtype, tensor.shape, data);
}

/** Writes the average into a tensor of as many elements as a and b have. */
export function averageInto(result: Tensor, a: Tensor, b: Tensor, alpha: number): void {
  if (result.data.length !== a.data.length || a.data.length !== b.data.length)
    throw new RangeError(`${a.data.length} and ${b.data.length} elements averaged into ${result.data.length}`);
  const kernel = a.dtype === b.dtype && a.dtype === result.dtype ? kernels[a.dtype] : undefined;
  if (kernel) kernel(a.data, b.data, alpha, result.data);
  else if (result.dtype === "float32" && a.dtype === b.dtype && a.dtype in widen)
    mixWidened(a.data as Uint16Array, b.data as Uint16Array, alpha, result.data as Float32Array, widen[a.dtype]!);
  else mixConverted(a, b, alpha, result);
}

type Kernel = (a: Tensor["data"], b: Tensor["data"], alpha: number, result: Tensor["data"]) => void;

/** One loop for each dtype, since a loop over arrays of several kinds is several times slower. */
const kernels: Readonly<Partial<Record<DType, Kernel>>> = {
  float32: (a, b, alpha, result) => mixSingles(a as Float32Array, b as Float32Array, alpha, result as Float32Array),
  float64: (a, b, alpha, result) => mixDoubles(a as Float64Array, b as Float64Array, alpha, result as Float64Array),
  float16: (a, b, alpha, result) => mixHalves(a as Uint16Array, b as Uint16Array, alpha, result as Uint16Array),
  bfloat16: (a, b, alpha, result) => mixBrains(a as Uint16Array, b as Uint16Array, alpha, result as Uint16Array),
};

function mixSingles(a: Float32Array, b: Float32Array, alpha: number, result: Float32Array): void {
  const rest = 1 - alpha;
  for (let i = 0; i < result.length; i++) result[i] = rest * a[i] + alpha * b[i];
}

function mixDoubles(a: Float64Array, b: Float64Array, alpha: number, result: Float64Array): void {
  const rest = 1 - alpha;
  for (let i = 0; i < result.length; i++) result[i] = rest * a[i] + alpha * b[i];
}

function mixHalves(a: Uint16Array, b: Uint16Array, alpha: number, result: Uint16Array): void {
  const rest = 1 - alpha;
  const values = halfValues();
  const mixed = new Float64Array(Math.min(chunkLength, result.length));
  for (let at = 0; at < result.length; at += chunkLength) {
    const target = result.subarray(at, at + chunkLength);
    const { length } = target;
    for (let i = 0; i < length; i++) mixed[i] = rest * values[a[at + i]] + alpha * values[b[at + i]];
    roundToHalves(mixed, target);
  }
}

function mixBrains(a: Uint16Array, b: Uint16Array, alpha: number, result: Uint16Array): void {
  const size = Math.min(chunkLength, result.length);
  const [x, y, mixed] = [new Float32Array(size), new Float32Array(size), new Float32Array(size)];
  for (let at = 0; at < result.length; at += chunkLength) {
    const target = result.subarray(at, at + chunkLength);
    widen.bfloat16!(a.subarray(at, at + target.length), x);
    widen.bfloat16!(b.subarray(at, at + target.length), y);
    mixSingles(x, y, alpha, mixed);
    roundToBrains(mixed, target);
  }
}

type Widen = (bits: Uint16Array, wide: Float32Array) => void;

const widen: Readonly<Partial<Record<DType, Widen>>> = {
  float16: widenHalves,
  bfloat16: (bits, wide) => widenBrains(bits, new Int32Array(wide.buffer, wide.byteOffset, wide.length)),
};

/** Sixteen bits into float32. */
function mixWidened(a: Uint16Array, b: Uint16Array, alpha: number, result: Float32Array, widen: Widen): void {
  const size = Math.min(chunkLength, result.length);
  const [x, y] = [new Float32Array(size), new Float32Array(size)];
  for (let at = 0; at < result.length; at += chunkLength) {
    const target = result.subarray(at, at + chunkLength);
    widen(a.subarray(at, at + target.length), x);
    widen(b.subarray(at, at + target.length), y);
    mixSingles(x, y, alpha, target);
  }
}

/** Any dtypes, through numbers. */
function mixConverted(a: Tensor, b: Tensor, alpha: number, { dtype, data }: Tensor): void {
  for (let at = 0; at < data.length; at += chunkLength) {
    const count = Math.min(chunkLength, data.length - at);
    const [x, y] = [a, b].map((end) =>
      toNumbers({ ...end, data: end.data.subarray(at, at + count) as Tensor["data"] }),
    );
    const mixed = new Float64Array(count);
    for (let i = 0; i < count; i++) mixed[i] = (1 - alpha) * x[i] + alpha * y[i];
    const piece = fromNumbers(dtype, [count], mixed).data;
    for (let i = 0; i < count; i++) data[at + i] = piece[i];
  }
}
