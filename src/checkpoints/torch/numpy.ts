// NumPy arrays in a pickle, as detectron2, Paddle and federated clients save weights: `_reconstruct` and a state
// (version, shape, dtype, order, bytes), or `_frombuffer` in protocol 5. Only numeric arrays are read; objects and
// strings are ignored. Source: numpy/core/src/multiarray/methods.c (array_reduce, array_setstate), descriptor.c
// (arraydescr_reduce).
import { bytesPerElement, type DType, sizeOf, type Tensor, tensorFromBytes } from "../../core/index.ts";
import { byteLength } from "../checkpoint.ts";
import { columnStrides, gather, swapBytes } from "../layout.ts";
import { elementsOf } from "../npz/npy.ts";
import { quote } from "../source.ts";
import { Unknown } from "./unknown.ts";

/** `numpy.dtype`: its code without the byte order, such as f4. */
export class NumpyDtype {
  readonly code: string;
  bigEndian = false;

  constructor(code: string) {
    this.code = code;
  }
}

interface Content {
  readonly dtype: DType;
  /** Complex numbers have a last axis of two. */
  readonly shape: readonly number[];
  readonly complex: boolean;
  readonly fortran: boolean;
  readonly bigEndian: boolean;
  readonly bytes: Uint8Array;
}

/** An array; empty until its state is set, and always empty if it is not numeric. */
export class NumpyArray {
  content: Content | undefined;
  /** Describes a numeric array that cannot be read. */
  unread: string | undefined;
  /** Whether it represents a tensor of a device whose storages PyTorch does not save. */
  isDeviceTensor = false;

  fill(bytes: unknown, type: unknown, shape: unknown, fortran: boolean): void {
    const found = contentOf(bytes, type, shape, fortran);
    if (typeof found === "string") this.unread = found;
    else this.content = found;
  }
}

/** An array whose content has been read. */
export type FilledArray = NumpyArray & { readonly content: Content };

export const isFilledArray = (value: unknown): value is FilledArray =>
  value instanceof NumpyArray && value.content !== undefined;

const modules = ["numpy.core", "numpy._core"];

/** Functions that make JAX's arrays, in new and older versions. */
const jaxArrays = [
  "jax._src.array._reconstruct_array",
  "jax._src.device_array.reconstruct_device_array",
  "jax.interpreters.xla.reconstruct_device_array",
];

/** Protocols 0 to 2 write empty bytes as `bytes()`. */
const emptyBytes = (args: readonly unknown[]) => (args.length === 0 ? new Uint8Array(0) : new Unknown("bytes"));

/** Implementations of NumPy's functions by name. */
export const numpyCallables: Readonly<Record<string, (args: readonly unknown[]) => unknown>> = {
  "numpy.dtype": ([code]) => (typeof code === "string" ? new NumpyDtype(code) : undefined),
  "__builtin__.bytes": emptyBytes,
  "builtins.bytes": emptyBytes,
  "_codecs.encode": ([text, encoding]) =>
    typeof text === "string" && /^latin-?1$/.test(`${encoding}`) ? Buffer.from(text, "latin1") : new Unknown("bytes"),
  ...Object.fromEntries(jaxArrays.map((name) => [name, rebuildJaxArray])),
  ...Object.fromEntries(
    modules.flatMap((module) => [
      [`${module}.multiarray._reconstruct`, () => new NumpyArray()],
      [`${module}.multiarray.scalar`, ([dtype, bytes]: readonly unknown[]) => frombuffer([bytes, dtype, [], "C"])],
      [`${module}.numeric._frombuffer`, frombuffer],
    ]),
  ),
};

/** `(function, its arguments, state, …)`: JAX pickles an array as a NumPy array. */
function rebuildJaxArray([, , state]: readonly unknown[]): NumpyArray {
  const array = new NumpyArray();
  buildNumpy(array, state);
  return array;
}

/** Sets the state of a dtype or array, as Python's BUILD does. */
export function buildNumpy(target: NumpyDtype | NumpyArray, state: unknown): void {
  if (!Array.isArray(state)) return;
  if (target instanceof NumpyDtype) target.bigEndian = state[1] === ">";
  else {
    const [, shape, dtype, fortran, bytes] = state as unknown[];
    target.fill(bytes, dtype, shape, fortran === true || fortran === 1);
  }
}

/** `(buffer, dtype, shape, order)`. */
function frombuffer([bytes, dtype, shape, order]: readonly unknown[]): NumpyArray {
  const array = new NumpyArray();
  array.fill(bytes, dtype, shape, order === "F");
  return array;
}

/** The content of an array; undefined for strings, objects and dates; a description if it cannot be read. */
function contentOf(bytes: unknown, type: unknown, shape: unknown, fortran: boolean): Content | string | undefined {
  if (type instanceof Unknown) return `an array of NumPy dtype ${quote(type.name)}`;
  if (!(type instanceof NumpyDtype)) return "an array without a dtype";
  if (/^[USOMm]/.test(type.code)) return undefined;
  const elements = elementsOf(type.code);
  if (!elements) return `an array of NumPy dtype ${quote(type.code)}`;
  const raw = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes; // Python 2 has strings for bytes
  const { dtype, complex } = elements;
  const axes = complex && Array.isArray(shape) ? [...shape, 2] : shape;
  if (!(raw instanceof Uint8Array) || !Array.isArray(axes) || byteLength(dtype, axes) !== raw.length)
    return "an array whose bytes do not match its shape";
  return { dtype, shape: axes as number[], complex, fortran, bigEndian: type.bigEndian, bytes: raw };
}

/** `(array, dtype, device, requires_grad)`: a TPU tensor, saved as an array (bfloat16 as float32). */
export function deviceTensor([array]: readonly unknown[]): NumpyArray | undefined {
  if (!(array instanceof NumpyArray)) return undefined;
  array.isDeviceTensor = true;
  return array;
}

/** Copies the array's elements row by row. */
export function readArray({ content }: FilledArray): Tensor {
  const { dtype, shape, complex, fortran, bigEndian } = content;
  const bytes = Uint8Array.from(content.bytes);
  const width = bytesPerElement(dtype);
  if (bigEndian) swapBytes(bytes, width);
  if (!fortran || sizeOf(shape) === 0) return tensorFromBytes(dtype, shape, bytes);
  return tensorFromBytes(dtype, shape, gather(bytes, width, shape, columnStrides(shape, complex)));
}
