// The four sums that distances are computed from, in double precision; and the number of integers that differ, which
// have no distance.
import { isFloating, type Tensor, toNumbers, valuesOf } from "../core/index.ts";

export interface Sums {
  /** Sums of the squared differences, the products, and the squares of a and b. */
  readonly difference: number;
  readonly product: number;
  readonly a: number;
  readonly b: number;
  /** Number of differing elements of tensors that are not floating in both. */
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

/**
 * The sums of two tensors of equal shape. Equal infinities at the same position are left out: the tensors do not differ
 * there.
 */
export function sumsOf(one: Tensor, other: Tensor): Sums {
  if (!isFloating(one.dtype) || !isFloating(other.dtype)) return { ...noSums, whole: countDiffering(one, other) };
  const values = one.dtype === other.dtype ? valuesOf(one.dtype) : undefined;
  const wide = (): [Numbers, Numbers] => [toNumbers(one), toNumbers(other)];
  const sums = values ? sumUpBits(one.data as Uint16Array, other.data as Uint16Array, values) : sumUp(...wide());
  return Number.isFinite(sums.a) && Number.isFinite(sums.b) ? sums : sumUp(...withoutEqualInfinities(...wide()));
}

type Numbers = ReturnType<typeof toNumbers>;

function sumUp(x: Numbers, y: Numbers): Sums {
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

/** {@link sumUp} for a 16-bit dtype; `values` maps bits to numbers. */
function sumUpBits(x: Uint16Array, y: Uint16Array, values: Float32Array): Sums {
  let [difference, product, a, b] = [0, 0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    const u = values[x[i]];
    const v = values[y[i]];
    difference += (u - v) * (u - v);
    product += u * v;
    a += u * u;
    b += v * v;
  }
  return { difference, product, a, b, whole: 0 };
}

/** Both with zeros in place of equal infinities, so these add nothing to the sums. */
function withoutEqualInfinities(x: Numbers, y: Numbers): [Numbers, Numbers] {
  const isKept = (_: number, i: number) => x[i] !== y[i] || Number.isFinite(x[i]);
  return [x.map((u, i) => (isKept(u, i) ? u : 0)), y.map((v, i) => (isKept(v, i) ? v : 0))];
}

/** Number of elements that are not equal as numbers; NaN equals nothing. */
export function countDiffering(one: Tensor, other: Tensor): number {
  // conversion to numbers rounds 64-bit integers, so integers of one dtype are compared directly; 16-bit floats are
  // stored as bits, so they must be converted
  const isPlain = one.dtype === other.dtype && !isFloating(one.dtype);
  const [x, y] = isPlain ? [one.data, other.data] : [toNumbers(one), toNumbers(other)];
  let count = 0;
  for (let i = 0; i < x.length; i++) if (x[i] !== y[i]) count++;
  return count;
}
