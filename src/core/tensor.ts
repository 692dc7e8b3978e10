// A tensor in memory: a dtype, a shape and the elements row by row. Names of dtypes are ONNX's, in lower case.
// float16 and bfloat16 are stored as their bits; bool has one byte per element.

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

/** A type of elements, by ONNX's name in lower case. */
export type DType = keyof typeof arrays;
/** The elements of a tensor: float16 and bfloat16 as their bits, bool as one byte each. */
export type TypedArray = InstanceType<(typeof arrays)[DType]>;

/**
 * A tensor in memory: its dtype, its shape ([] for a scalar), and the elements row by row. See {@link TypedArray}.
 */
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

/** A dtype's array of zeros. */
export function makeArray(dtype: DType, size: number): TypedArray {
  return new arrays[dtype](size);
}

/** True for typed arrays of numbers, which convert into one another in one call; false for those of BigInt. */
function isNumeric(data: ArrayLike<number | bigint>): data is Exclude<TypedArray, BigInt64Array | BigUint64Array> {
  return ArrayBuffer.isView(data) && !(data instanceof BigInt64Array || data instanceof BigUint64Array);
}

/** Bytes of one element. */
export function bytesPerElement(dtype: DType): number {
  return arrays[dtype].BYTES_PER_ELEMENT;
}

/** A new tensor over `data`, copied into the dtype's array; without data it is zero. Throws when the sizes differ. */
export function tensor(dtype: DType, shape: readonly number[], data?: ArrayLike<number | bigint>): Tensor {
  const size = sizeOf(shape);
  if (data && data.length !== size) throw new RangeError(`${data.length} elements for shape [${shape}]`);
  const array = makeArray(dtype, size);
  if (!data) return { dtype, shape: [...shape], data: array };
  if (isNumeric(data) && isNumeric(array)) array.set(data);
  else {
    const convert = isNumeric(array) ? Number : BigInt;
    for (let i = 0; i < size; i++) array[i] = convert(data[i]);
  }
  return { dtype, shape: [...shape], data: array };
}

/**
 * Views bytes as a tensor; copies only where the bytes are not aligned. Elements are little endian, as in all file
 * formats here.
 */
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

/** True for the same elements, to the last bit. */
export const haveSameBytes = (x: Tensor, y: Tensor): boolean => Buffer.compare(bytesOf(x), bytesOf(y)) === 0;

/** The dtypes of tensors; the dtype with the most elements comes first. */
export function dtypesBySize(tensors: Iterable<Pick<Tensor, "dtype" | "shape">>): DType[] {
  const sizes = new Map<DType, number>();
  for (const { dtype, shape } of tensors) sizes.set(dtype, (sizes.get(dtype) ?? 0) + sizeOf(shape));
  return [...sizes].sort(([, one], [, other]) => other - one).map(([dtype]) => dtype);
}

/** True for the dtypes that are averaged; integers and bools are counters and masks. */
export function isFloating(dtype: DType): boolean {
  return dtype === "float32" || dtype === "float64" || dtype === "float16" || dtype === "bfloat16";
}
