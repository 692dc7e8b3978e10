// The gradient of max pooling from arithmetic operators only: not every device returns the index of a maximum.
import { tensor } from "../../core/index.ts";
import { unslice } from "../gradients/shape.ts";
import type { Node, Value } from "../graph.ts";
import { add, cast, greaterOrEqual, mul, sub } from "../ops/elementwise.ts";
import { pad, slice } from "../ops/shape.ts";

/** Lower than every pixel; not every device supports infinity. */
const lowest = -3e38;

/** The gradient goes to each window's first maximum, row by row. */
export function maxPoolGradient(dy: Value, x: Value, y: Value, { attributes }: Node): Value {
  const { kernel_shape: kernel, strides, pads } = attributes as Record<string, readonly number[]>;
  const [top, left] = pads;
  const [height, width] = [0, 1].map((i) => (y.shape[i + 2] - 1) * strides[i] + kernel[i]); // what the windows reach
  const framed = frame(x, [top, left], [height, width]);
  let rest = dy; // the gradient that no earlier pixel of the window received
  let sum: Value | undefined;
  for (let i = 0; i < kernel[0]; i++)
    for (let j = 0; j < kernel[1]; j++) {
      const rows = slice(framed, 2, i, i + (y.shape[2] - 1) * strides[0] + 1, strides[0]);
      const pixels = slice(rows, 3, j, j + (y.shape[3] - 1) * strides[1] + 1, strides[1]);
      const part = mul(rest, cast(greaterOrEqual(pixels, y), dy.dtype));
      rest = sub(rest, part);
      const back = unslice(unslice(part, 3, j, strides[1], width), 2, i, strides[0], height);
      sum = sum ? add(sum, back) : back;
    }
  return unframe(sum!, [top, left], x.shape.slice(2));
}

/** `size` rows and columns of the image, starting at `-before`; the lowest number outside of the image. */
function frame(x: Value, before: readonly number[], size: readonly number[]): Value {
  const [, , h, w] = x.shape;
  const after = [h, w].map((n, i) => Math.max(0, size[i] - before[i] - n));
  const padded = pad(x, [0, 0, ...before], [0, 0, ...after]);
  const [height, width] = padded.shape.slice(2);
  const isInside = (at: number) => {
    const [row, column] = [Math.floor(at / width) - before[0], (at % width) - before[1]];
    return row >= 0 && row < h && column >= 0 && column < w;
  };
  const border = Array.from({ length: height * width }, (_, at) => (isInside(at) ? 0 : lowest));
  const whole = padded === x ? x : add(padded, x.graph.constant(tensor(x.dtype, [1, 1, height, width], border)));
  return slice(slice(whole, 2, 0, size[0]), 3, 0, size[1]);
}

/** The reverse of {@link frame}: rows and columns that the windows did not reach are zero. */
function unframe(x: Value, before: readonly number[], size: readonly number[]): Value {
  const missing = size.map((n, i) => Math.max(0, before[i] + n - x.shape[i + 2]));
  const wide = pad(x, [0, 0, 0, 0], [0, 0, ...missing]);
  return slice(slice(wide, 2, before[0], before[0] + size[0]), 3, before[1], before[1] + size[1]);
}
