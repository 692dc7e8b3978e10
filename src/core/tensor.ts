// A tensor in memory: a dtype, a shape and the elements row by row. Names of dtypes are ONNX's, in lower case.
// float16 and bfloat16 are kept as their bits; bool is one byte an element.

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint64: BigUint64Array,
  uint32: Uint32Array,
  uint16: Uint16Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const;

export type DType = keyof typeof arrays;
export type TypedArray = InstanceType<(typeof arrays)[DType]>;

export interface Tensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

export const dtypes = Object.keys(arrays) as DType[];

/** Number of elements of a shape; 1 for a scalar. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** Bytes of one element. */
export function bytesPerElement(dtype: DType): number {
  return arrays[dtype].BYTES_PER_ELEMENT;
}

/** A new tensor over `data`, copied into the dtype's array; without data it is zero. Throws when the sizes differ. */
export function tensor(dtype: DType, shape: readonly number[], data?: ArrayLike<number | bigint>): Tensor {
  const size = sizeOf(shape);
  if (data && data.length !== size) throw new RangeError(`${data.length} elements for shape [${shape}]`);
  const array = new arrays[dtype](size);
  if (data) {
    const convert = array instanceof BigInt64Array || array instanceof BigUint64Array ? BigInt : Number;
    for (let i = 0; i < size; i++) array[i] = convert(data[i]);
  }
  return { dtype, shape: [...shape], data: array };
}

/** Views bytes as a tensor; copies only where the bytes are not aligned. Elements are little endian, as every file format here has them. */
export function tensorFromBytes(dtype: DType, shape: readonly number[], bytes: Uint8Array): Tensor {
  const size = sizeOf(shape);
  const width = bytesPerElement(dtype);
  if (bytes.byteLength !== size * width) throw new RangeError(`${bytes.byteLength} bytes for ${dtype}[${shape}]`);
  const aligned = bytes.byteOffset % width === 0 ? bytes : new Uint8Array(bytes); // a Buffer's slice would not copy
  return { dtype, shape: [...shape], data: new arrays[dtype](aligned.buffer as ArrayBuffer, aligned.byteOffset, size) };
}

/** The tensor's memory as bytes, without a copy. */
export function bytesOf({ data }: Tensor): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** True for the dtypes that are averaged; integers and bools are counters and masks. */
export function isFloating(dtype: DType): boolean {
  return dtype === "float32" || dtype === "float64" || dtype === "float16" || dtype === "bfloat16";
}

/** The elements as numbers: float32 as it is, float16 and bfloat16 widened to float32 (exact), the rest to float64. */
export function toNumbers({ dtype, data }: Tensor): Float32Array | Float64Array {
  if (dtype === "float32" || dtype === "float64") return data as Float32Array | Float64Array;
  if (dtype === "float16") return Float32Array.from(data as Uint16Array, halfToNumber);
  if (dtype === "bfloat16") {
    const wide = new Uint32Array(data.length);
    for (let i = 0; i < wide.length; i++) wide[i] = (data[i] as number) << 16;
    return new Float32Array(wide.buffer);
  }
  return Float64Array.from(data as ArrayLike<number | bigint>, Number);
}

/** Numbers stored as a floating dtype; float16 and bfloat16 round to the nearest, ties to even. */
export function fromNumbers(dtype: DType, shape: readonly number[], values: ArrayLike<number>): Tensor {
  if (dtype === "float16") return tensor(dtype, shape, Uint16Array.from(values, numberToHalf));
  if (dtype === "bfloat16") return tensor(dtype, shape, Uint16Array.from(values, numberToBrain));
  return tensor(dtype, shape, values);
}

function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent ? sign * 2 ** (exponent - 15) * (1 + fraction / 1024) : sign * 2 ** -24 * fraction;
}

function numberToHalf(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size >= 65520) return sign | 0x7c00;
  if (size < 2 ** -14) return sign | roundToEven(size * 2 ** 24); // subnormal; a carry makes the smallest normal
  let exponent = Math.floor(Math.log2(size));
  if (2 ** exponent > size) exponent--; // log2 may round up
  return sign | (((exponent + 15) << 10) + roundToEven((size / 2 ** exponent - 1) * 1024)); // a carry goes up into the exponent
}

function numberToBrain(value: number): number {
  if (Number.isNaN(value)) return 0x7fc0;
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0];
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

function roundToEven(x: number): number {
  const low = Math.floor(x);
  const rest = x - low;
  return rest > 0.5 || (rest === 0.5 && low % 2 === 1) ? low + 1 : low;
}
