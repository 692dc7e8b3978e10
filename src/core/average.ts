// The average of two tensors, (1 - alpha) a + alpha b, computed in double precision and rounded once to the result's
// dtype. It needs no memory except for its result.
import { listSome } from "./errors.ts";
import { brainValues, chunkLength, fromNumbers, halfValues, roundToHalf, toNumbers, valuesOf } from "./numbers.ts";
import { type DType, makeArray, type Tensor } from "./tensor.ts";

/** The average, in a's shape. At alpha 0 and 1 it is the end, bit for bit where the end has the result's dtype. */
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

/** Writes the average into a tensor with the same number of elements as a and b. */
export function averageInto(result: Tensor, a: Tensor, b: Tensor, alpha: number): void {
  if (result.data.length !== a.data.length || a.data.length !== b.data.length)
    throw new RangeError(`${a.data.length} and ${b.data.length} elements averaged into ${result.data.length}`);
  const kernel = a.dtype === b.dtype && a.dtype === result.dtype ? kernels[a.dtype] : undefined;
  const values = valuesOf(a.dtype);
  if (kernel) kernel(a.data, b.data, alpha, result.data);
  else if (result.dtype === "float32" && a.dtype === b.dtype && values)
    mixWidened(a.data as Uint16Array, b.data as Uint16Array, alpha, result.data as Float32Array, values);
  else mixConverted(a, b, alpha, result);
  if (alpha < 0 || alpha > 1) keepEqualInfinities(result, a, b);
}

/** With alpha outside [0, 1], equal infinities would give NaN, so they are kept. */
function keepEqualInfinities(result: Tensor, a: Tensor, b: Tensor): void {
  const [x, y] = [toNumbers(a), toNumbers(b)];
  const own = convert(a, result.dtype).data;
  for (let i = 0; i < x.length; i++) if (x[i] === y[i] && !Number.isFinite(x[i])) result.data[i] = own[i];
}

type Kernel = (a: Tensor["data"], b: Tensor["data"], alpha: number, result: Tensor["data"]) => void;

/** One loop for each dtype: a loop over arrays of several types is several times slower. */
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

/** One float32, and its bits. */
const scratch = new Float32Array(1);
const scratchBits = new Int32Array(scratch.buffer);

/**
 * Rounds through float32. This rounds only once if float32 represents the sum exactly, or if the sum is not midway
 * between two float16 values. At alpha 0.5 it always does: the bits that float32 loses are too small to reach a
 * midpoint.
 */
function mixHalves(a: Uint16Array, b: Uint16Array, alpha: number, result: Uint16Array): void {
  const [values, single, word] = [halfValues(), scratch, scratchBits]; // constants of the loop
  const rest = 1 - alpha;
  const isMean = alpha === 0.5;
  const { length } = result;
  for (let i = 0; i < length; i++) {
    const mixed = rest * values[a[i]] + alpha * values[b[i]];
    single[0] = mixed;
    const bits = word[0];
    const size = bits & 0x7fffffff;
    // normal values of float16
    if (size >= 0x38800000 && size < 0x477ff000 && (isMean || single[0] === mixed || (bits & 0x1fff) !== 0x1000))
      result[i] = ((bits >>> 16) & 0x8000) | ((size - 0x38000000 + 0xfff + ((size >>> 13) & 1)) >>> 13);
    else if (size === 0) result[i] = (bits >>> 16) & 0x8000;
    else result[i] = roundToHalf(mixed);
  }
}

function mixBrains(a: Uint16Array, b: Uint16Array, alpha: number, result: Uint16Array): void {
  const [values, single, word] = [brainValues(), scratch, scratchBits]; // constants of the loop
  const rest = 1 - alpha;
  const { length } = result;
  for (let i = 0; i < length; i++) {
    single[0] = rest * values[a[i]] + alpha * values[b[i]];
    const bits = word[0];
    result[i] = (bits & 0x7fffffff) > 0x7f800000 ? 0x7fc0 : (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
  }
}

/** From a 16-bit dtype to float32. */
function mixWidened(a: Uint16Array, b: Uint16Array, alpha: number, result: Float32Array, values: Float32Array): void {
  const rest = 1 - alpha;
  const { length } = result;
  for (let i = 0; i < length; i++) result[i] = rest * values[a[i]] + alpha * values[b[i]];
}

/** For any combination of dtypes. */
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

/** A note on alphas outside 0 to 1, which extrapolate. */
export function noteOfAlphas(alphas: Iterable<number>): string[] {
  const outside = [...new Set(alphas)].filter((alpha) => alpha < 0 || alpha > 1);
  return outside.length
    ? [`Alpha ${listSome(outside.map(String))} is outside 0 to 1, so weights are extrapolated beyond an end.`]
    : [];
}
