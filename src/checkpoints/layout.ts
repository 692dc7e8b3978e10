// Byte order and element order: converts any layout to little endian, row by row. Works on bit patterns, so NaN
// payloads are kept.

/** Reverses the bytes of every element, in place. `width` is the size of an element in bytes. */
export function swapBytes(bytes: Uint8Array, width: number): void {
  for (let at = 0; at + width <= bytes.length; at += width) bytes.subarray(at, at + width).reverse();
}

/** Strides (in elements) of a dense tensor stored row by row. */
export function rowStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  for (let axis = shape.length - 1, step = 1; axis >= 0; step *= shape[axis--]) strides[axis] = step;
  return strides;
}

/**
 * Strides (in elements) of a dense tensor stored column by column, as Fortran does; `complex`: the two numbers of the
 * last axis stay adjacent.
 */
export function columnStrides(shape: readonly number[], complex = false): number[] {
  if (complex) return [...columnStrides(shape.slice(0, -1)).map((stride) => 2 * stride), 1];
  return rowStrides([...shape].reverse()).reverse();
}

/** True if a tensor with these strides is stored row by row without gaps; axes of size 1 may have any stride. */
export function isDense(shape: readonly number[], strides: readonly number[]): boolean {
  const dense = rowStrides(shape);
  return shape.includes(0) || shape.every((n, axis) => n === 1 || strides[axis] === dense[axis]);
}

/** Number of elements from the first to the last that the strides reach, inclusive; 0 for an empty tensor. */
export function spanOf(shape: readonly number[], strides: readonly number[]): number {
  if (shape.includes(0)) return 0;
  return shape.reduce((span, n, axis) => span + (n - 1) * strides[axis], 1);
}

/**
 * Copies a strided tensor into a dense one.
 * @param bytes the elements from the first to the last that the strides reach
 * @param width bytes of one element: 1, 2, 4 or 8
 * @param strides in elements, none negative
 * @returns the bytes row by row
 */
export function gather(
  bytes: Uint8Array<ArrayBuffer>,
  width: number,
  shape: readonly number[],
  strides: readonly number[],
): Uint8Array<ArrayBuffer> {
  if (width === 8) return gather(bytes, 4, [...shape, 2], [...strides.map((s) => 2 * s), 1]);
  const ElementArray = width === 1 ? Uint8Array : width === 2 ? Uint16Array : Uint32Array;
  const aligned = bytes.byteOffset % width === 0 ? bytes : bytes.slice();
  const from = new ElementArray(aligned.buffer, aligned.byteOffset, aligned.byteLength / width);
  const to = new ElementArray(shape.reduce((product, n) => product * n, 1));
  const last = shape.length - 1;
  const [columns, step] = last < 0 ? [1, 1] : [shape[last], strides[last]];
  const index = new Array<number>(Math.max(last, 0)).fill(0); // of the current row, in all axes except the last
  for (let row = 0, start = 0; row < to.length; row += columns) {
    for (let i = 0; i < columns; i++) to[row + i] = from[start + i * step];
    for (let axis = last - 1; axis >= 0; axis--) {
      start += strides[axis];
      if (++index[axis] < shape[axis]) break;
      start -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return new Uint8Array(to.buffer);
}

/**
 * Writes a dense tensor's elements into `bytes` from `begin` (in bytes) with strides (in elements); the inverse of
 * {@link gather}.
 * @param taken marks the bytes that have been written; updated
 * @returns false if an element would overwrite a different one
 */
export function scatter(
  dense: Uint8Array,
  bytes: Uint8Array,
  begin: number,
  width: number,
  shape: readonly number[],
  strides: readonly number[],
  taken: Uint8Array,
): boolean {
  const index = new Array<number>(shape.length).fill(0);
  for (let at = 0, place = 0; at < dense.length; at += width) {
    for (let i = 0, to = begin + place * width; i < width; i++, to++) {
      if (taken[to] && bytes[to] !== dense[at + i]) return false;
      bytes[to] = dense[at + i];
      taken[to] = 1;
    }
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      place += strides[axis];
      if (++index[axis] < shape[axis]) break;
      place -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return true;
}
