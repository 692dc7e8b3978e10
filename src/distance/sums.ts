// The four sums that distances are made of, over pairs of elements, in double precision; and how many whole numbers differ, which have no distance.
import { isFloating, type Tensor, toNumbers } from "../core/index.ts";

export interface Sums {
  /** Of the squared differences, the products, and the squares of both. */
  readonly difference: number;
  readonly product: number;
  readonly a: number;
  readonly b: number;
  /** Elements that differ, of tensors that are not floating in both. */
  readonly whole: number;
}

export const noSums: Sums = { difference: 0, product: 0, a: 0, b: 0, whole: 0 };

export const addSums = (x: Sums, y: Sums): Sums => ({
  difference: x.difference + y.difference,
  product: x.product + y.product,
  a: x.a + y.a,
  b: x.b + y.b,
  whole: x.whole + y.whole,
});

/** The sums of two tensors of one shape. */
export function sumsOf(one: Tensor, other: Tensor): Sums {
  if (!isFloating(one.dtype) || !isFloating(other.dtype)) return { ...noSums, whole: countDiffering(one, other) };
  const [x, y] = [toNumbers(one), toNumbers(other)];
  let [difference, product, a, b] = [0, 0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    const u = x[i];
    const v = y[i];
    difference += (u - v) * (u - v);
    product += u * v;
    a += u * u;
    b += v * v;
  }
  return { difference, product, a, b, whole: 0 };
}

function countDiffering(one: Tensor, other: Tensor): number {
  // numbers would round 64-bit integers, so those of one dtype are held against each other as they are
  const [x, y] = one.dtype === other.dtype ? [one.data, other.data] : [toNumbers(one), toNumbers(other)];
  let count = 0;
  for (let i = 0; i < x.length; i++) if (x[i] !== y[i]) count++;
  return count;
}
