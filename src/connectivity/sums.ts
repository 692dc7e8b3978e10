// The four sums that distances are made of, over pairs of elements, in double precision.
import { isFloating, type Tensor, toNumbers } from "../core/index.ts";

export interface Sums {
  /** Of the squared differences, the products, and the squares of both. */
  readonly difference: number;
  readonly product: number;
  readonly a: number;
  readonly b: number;
}

export const noSums: Sums = { difference: 0, product: 0, a: 0, b: 0 };

export const addSums = (x: Sums, y: Sums): Sums => ({
  difference: x.difference + y.difference,
  product: x.product + y.product,
  a: x.a + y.a,
  b: x.b + y.b,
});

/** The sums of two tensors of one shape; counters have none. */
export function sumsOf(one: Tensor, other: Tensor): Sums {
  if (!isFloating(one.dtype)) return noSums;
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
  return { difference, product, a, b };
}
