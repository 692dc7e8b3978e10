// Distances between two checkpoints, layer by layer, in double precision, one pair of tensors in memory at a time.
import { isFloating, type Tensor, toNumbers } from "../core/index.ts";
import { holderOf } from "../models/index.ts";
import type { Layer } from "./layers.ts";

export interface Distance {
  readonly euclidean: number;
  /** Cosine of the angle; null where one of the two is zero. */
  readonly cosine: number | null;
}

export interface Distances {
  readonly full: Distance;
  readonly layers: Record<string, Distance>;
}

type Read = (name: string) => Promise<Tensor>;

/** Distances of every layer and of all together. Tied tensors count once, counters not at all, running statistics with their layer. */
export async function layerDistances(
  layers: readonly Layer[],
  readA: Read,
  readB: Read,
  tied: readonly (readonly string[])[] = [],
): Promise<Distances> {
  const holder = holderOf(tied);
  const total = { difference: 0, product: 0, a: 0, b: 0 };
  const result: Record<string, Distance> = {};
  for (const { name, parameters } of layers) {
    const sums = { difference: 0, product: 0, a: 0, b: 0 };
    for (const parameter of parameters) {
      if (holder(parameter) !== parameter) continue;
      const [a, b] = [await readA(parameter), await readB(parameter)];
      if (isFloating(a.dtype)) accumulate(sums, toNumbers(a), toNumbers(b));
    }
    result[name] = distanceOf(sums);
    for (const key of ["difference", "product", "a", "b"] as const) total[key] += sums[key];
  }
  return { full: distanceOf(total), layers: result };
}

interface Sums {
  difference: number;
  product: number;
  a: number;
  b: number;
}

function accumulate(sums: Sums, x: Float32Array | Float64Array, y: Float32Array | Float64Array): void {
  let [difference, product, a, b] = [0, 0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    const [u, v] = [x[i], y[i]];
    difference += (u - v) * (u - v);
    product += u * v;
    a += u * u;
    b += v * v;
  }
  sums.difference += difference;
  sums.product += product;
  sums.a += a;
  sums.b += b;
}

const distanceOf = ({ difference, product, a, b }: Sums): Distance => ({
  euclidean: Math.sqrt(difference),
  cosine: a > 0 && b > 0 ? product / Math.sqrt(a * b) : null,
});
