// The header of numpy's .npy: magic, version, a Python dictionary as text, then the elements.
// Source: numpy/lib/format.py. Versions 1 to 3; no structured types and no pickled objects.
// NumPy has no bfloat16: it is stored as in ml_dtypes (JAX), as raw elements of two bytes, `<V2`.
import { bytesPerElement, type DType, UserError } from "../../core/index.ts";

export interface NpyHeader {
  readonly dtype: DType;
  /** Complex numbers have a last axis of two. */
  readonly shape: readonly number[];
  readonly complex: boolean;
  /** Column by column instead of row by row. */
  readonly fortran: boolean;
  readonly bigEndian: boolean;
  /** Offset of the elements in bytes. */
  readonly dataStart: number;
}

const codes: Readonly<Record<DType, string>> = {
  float32: "f4",
  float64: "f8",
  float16: "f2",
  bfloat16: "V2",
  int64: "i8",
  int32: "i4",
  int16: "i2",
  int8: "i1",
  uint64: "u8",
  uint32: "u4",
  uint16: "u2",
  uint8: "u1",
  bool: "b1",
};

const dtypesByCode = new Map(Object.entries(codes).map(([dtype, code]) => [code, dtype as DType]));
const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
/** Number of bytes needed to find the length of the header. */
export const npyPreamble = 12;
/** NumPy refuses headers of more than 10,000 bytes unless the file is trusted. */
const longestHeader = 1 << 16;

/** The dtype of a NumPy code without byte order; complex numbers are pairs of floats. */
export function elementsOf(code: string): { readonly dtype: DType; readonly complex: boolean } | undefined {
  if (code === "c8" || code === "c16") return { dtype: code === "c8" ? "float32" : "float64", complex: true };
  const dtype = dtypesByCode.get(code);
  return dtype && { dtype, complex: false };
}

export function isNpy(head: Uint8Array): boolean {
  return magic.every((byte, i) => head[i] === byte);
}

/**
 * Offset of the elements, from the first {@link npyPreamble} bytes. Throws the error from `fault` if they are not a
 * .npy header.
 */
export function npyDataStart(head: Uint8Array, fault: (what: string) => Error): number {
  const version = head[6];
  if (head.length < npyPreamble || !isNpy(head)) throw fault("is not a .npy array");
  if (version < 1 || version > 3 || head[7] !== 0) throw fault(`has the unknown .npy version ${version}.${head[7]}`);
  const view = new DataView(head.buffer, head.byteOffset);
  const start = version === 1 ? 10 + view.getUint16(8, true) : 12 + view.getUint32(8, true);
  if (start > longestHeader) throw fault("has a header of more than 65,536 bytes");
  return start;
}

/** Types that are never weights: strings, bytes, objects, dates and records. */
const notNumbers = /^'[<>|=]?[USOMm]|^\[/;

/** An array that is not read: of numbers of another dtype, if that is given, else of strings or objects. */
export interface Unread {
  readonly unread: string | undefined;
}

/** The error for an array, named in `what`, of numbers that are not read, such as NumPy's longdouble. */
export const unreadDtype = (what: string, dtype: string): UserError =>
  new UserError(`${what} has the NumPy dtype ${dtype}, which layerwise does not read. Save it as float64.`);

/** Parses a header, given all bytes before the elements. Throws the error from `fault`. */
export function parseNpyHeader(bytes: Uint8Array, fault: (what: string) => Error): NpyHeader | Unread {
  const dataStart = npyDataStart(bytes, fault);
  const text = new TextDecoder("latin1").decode(bytes.subarray(bytes[6] === 1 ? 10 : 12, dataStart));
  const { descr, fortran_order: order, shape, ...rest } = parseFields(text) ?? {};
  if (!descr || !order || !shape || Object.keys(rest).length > 0) throw fault("has an invalid header");
  if (notNumbers.test(descr)) return { unread: undefined };
  const [endian, code] = [descr[1], descr.slice(2, -1)];
  const elements = elementsOf(code);
  if (!elements) return { unread: descr };
  const { dtype, complex } = elements;
  if (bytesPerElement(dtype) > 1 && endian === "|" && code !== "V2") throw fault("does not specify its byte order");
  const axes = shape
    .slice(1, -1)
    .split(",")
    .map((n) => n.trim().replace(/L$/, "")); // Python 2 wrote 3L
  if (axes.length === 1 && axes[0] !== "") throw fault("has an invalid shape"); // (3) is not a tuple, (3,) is
  if (axes.at(-1) === "") axes.pop();
  if (!axes.every((n) => /^\d{1,16}$/.test(n))) throw fault("has an invalid shape");
  const own = axes.map(Number);
  return {
    dtype,
    shape: complex ? [...own, 2] : own,
    complex,
    fortran: order === "True",
    bigEndian: endian === ">",
    dataStart,
  };
}

/**
 * The fields of a flat Python dictionary whose values are a type, a list of fields, a boolean or a tuple; else
 * undefined.
 */
function parseFields(text: string): Record<string, string> | undefined {
  const inner = /^\{([^{}]*)\}\s*$/.exec(text)?.[1];
  if (inner === undefined) return undefined;
  const field = /\s*'([a-z_]+)'\s*:\s*('[<>|=][A-Za-z]\d*(?:\[\w+\])?'|\[[^{}]*\]|True|False|\([\d,L ]*\))\s*(,|$)/y;
  const fields: Record<string, string> = {};
  while (inner.slice(field.lastIndex).trim() !== "") {
    const match = field.exec(inner);
    if (!match || match[1] in fields) return undefined;
    fields[match[1]] = match[2];
  }
  return fields;
}

/** A version 1 header, padded so that the elements start at a multiple of 64 bytes. */
export function npyHeader(dtype: DType, parts: readonly number[], complex = false): Uint8Array {
  const endian = bytesPerElement(dtype) === 1 ? "|" : "<";
  const shape = complex ? parts.slice(0, -1) : parts;
  const code = complex ? `c${2 * bytesPerElement(dtype)}` : codes[dtype];
  const axes = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const text = `{'descr': '${endian}${code}', 'fortran_order': False, 'shape': ${axes}, }`;
  const length = 64 * Math.ceil((10 + text.length + 1) / 64) - 10;
  const content = `${text.padEnd(length - 1)}\n`;
  return Uint8Array.from([
    ...magic,
    1,
    0,
    content.length & 255,
    content.length >> 8,
    ...Buffer.from(content, "latin1"),
  ]);
}
