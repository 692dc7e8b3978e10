// Converts elements to numbers and back. The 16-bit dtypes are converted in plain loops over existing arrays: a table
// of 65,536 values widens float16, and rounding works on the bits of a wider float. Arrays pass through a chunk of
// scratch memory, so a conversion needs no memory except for its result.
import { type DType, sizeOf, type Tensor, tensor } from "./tensor.ts";

/** Elements converted at a time: they fit a core's cache. */
export const chunkLength = 4096;

/** The elements as numbers: float32 unchanged, float16 and bfloat16 widened to float32 (exact), others as float64. */
export function toNumbers({ dtype, data }: Tensor): Float32Array | Float64Array {
  if (dtype === "float32" || dtype === "float64") return data as Float32Array | Float64Array;
  if (dtype === "float16") {
    const wide = new Float32Array(data.length);
    widenHalves(data as Uint16Array, wide);
    return wide;
  }
  if (dtype === "bfloat16") {
    const wide = new Float32Array(data.length);
    widenBrains(data as Uint16Array, new Int32Array(wide.buffer));
    return wide;
  }
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return widenLongs(data);
  return new Float64Array(data);
}

/** Stores numbers in a dtype; float16 and bfloat16 round to nearest, ties to even. */
export function fromNumbers(dtype: DType, shape: readonly number[], values: ArrayLike<number>): Tensor {
  if (dtype !== "float16" && dtype !== "bfloat16") return tensor(dtype, shape, values);
  const size = sizeOf(shape);
  if (values.length !== size) throw new RangeError(`${values.length} elements for shape [${shape}]`);
  const bits = new Uint16Array(size);
  const scratch = new Float64Array(Math.min(size, chunkLength));
  for (let at = 0; at < size; at += chunkLength) {
    const count = Math.min(chunkLength, size - at);
    if (ArrayBuffer.isView(values)) scratch.set((values as Float64Array).subarray(at, at + count));
    else for (let i = 0; i < count; i++) scratch[i] = values[at + i];
    const target = bits.subarray(at, at + count);
    if (dtype === "float16") roundToHalves(scratch, target);
    else roundToBrains(Float32Array.from(scratch), target);
  }
  return { dtype, shape: [...shape], data: bits };
}

let halves: Float32Array | undefined;

/** The number of every float16, by its bits. */
export function halfValues(): Float32Array {
  halves ??= Float32Array.from({ length: 1 << 16 }, (_, bits) => halfToNumber(bits));
  return halves;
}

let brains: Float32Array | undefined;

/** The number of every bfloat16, by its bits. */
export function brainValues(): Float32Array {
  if (!brains) {
    brains = new Float32Array(1 << 16);
    const words = new Int32Array(brains.buffer);
    for (let bits = 0; bits < words.length; bits++) words[bits] = bits << 16;
  }
  return brains;
}

/** The numbers of a 16-bit dtype, by their bits; undefined for other dtypes. */
export function valuesOf(dtype: DType): Float32Array | undefined {
  if (dtype === "float16") return halfValues();
  return dtype === "bfloat16" ? brainValues() : undefined;
}

function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent ? sign * 2 ** (exponent - 15) * (1 + fraction / 1024) : sign * 2 ** -24 * fraction;
}

/** Widens float16 into an array of the same length. */
function widenHalves(bits: Uint16Array, target: Float32Array): void {
  const values = halfValues();
  for (let i = 0; i < bits.length; i++) target[i] = values[bits[i]];
}

/** Widens bfloat16 into the bits of float32, an array of the same length. */
function widenBrains(bits: Uint16Array, target: Int32Array): void {
  for (let i = 0; i < bits.length; i++) target[i] = bits[i] << 16;
}

/** 64-bit integers, each rounded once to the nearest double: their upper half times 2^32 is exact. */
function widenLongs(data: BigInt64Array | BigUint64Array): Float64Array {
  const lower = new Uint32Array(data.buffer, data.byteOffset, 2 * data.length);
  const upper = data instanceof BigInt64Array ? new Int32Array(data.buffer, data.byteOffset, 2 * data.length) : lower;
  const wide = new Float64Array(data.length);
  for (let i = 0; i < wide.length; i++) wide[i] = upper[2 * i + 1] * 2 ** 32 + lower[2 * i];
  return wide;
}

/**
 * Rounds doubles to float16, as many as fit in `target`. A double has 42 more fraction bits. Those in its lower word
 * matter only to break a tie, so one sticky bit replaces them.
 */
function roundToHalves(values: Float64Array, target: Uint16Array): void {
  const words = new Int32Array(values.buffer, values.byteOffset, 2 * values.length);
  const { length } = target;
  for (let i = 0; i < length; i++) {
    const upper = words[2 * i + 1];
    const size = upper & 0x7fffffff;
    const sign = (upper >>> 16) & 0x8000;
    if (size >= 0x3f100000 && size < 0x40effe00) {
      // from 2^-14 to below 65520, where infinity starts; a carry increments the exponent
      const sticky = size | (words[2 * i] !== 0 ? 1 : 0);
      target[i] = sign | ((sticky - (1008 << 20) + 0x1ff + ((size >>> 10) & 1)) >>> 10);
    } else if (size < 0x3f100000) {
      // subnormal: added to 2^28, a double has no bits below 2^-24, so the processor rounds
      target[i] = sign | ((Math.abs(values[i]) + 2 ** 28 - 2 ** 28) * 2 ** 24);
    } else if (Number.isNaN(values[i])) target[i] = 0x7e00;
    else target[i] = sign | 0x7c00;
  }
}

const one = new Float64Array(1);
const rounded = new Uint16Array(1);

/** The bits of the float16 nearest to a double. */
export function roundToHalf(value: number): number {
  one[0] = value;
  roundToHalves(one, rounded);
  return rounded[0];
}

/** Rounds float32 to bfloat16, as many values as fit in `target`. */
function roundToBrains(values: Float32Array, target: Uint16Array): void {
  const words = new Int32Array(values.buffer, values.byteOffset, values.length);
  const { length } = target;
  for (let i = 0; i < length; i++) {
    const word = words[i];
    target[i] = (word & 0x7fffffff) > 0x7f800000 ? 0x7fc0 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
}
