// Distances between two checkpoints, layer by layer, in double precision, a few pieces in memory at a time.
import type { Tensor } from "../core/index.ts";
import { holderOf, type Layer } from "../models/index.ts";
import { addSums, countDiffering, noSums, type Sums, sumsOf } from "./sums.ts";

/** The distance of two weight vectors: Euclidean, and the cosine of their angle (null if one is zero). */
export interface Distance {
  readonly euclidean: number;
  /** Cosine of the angle; null where one of the two is zero. */
  readonly cosine: number | null;
}

/** Distances of all layers together, and of each by its name. */
export interface Distances {
  readonly full: Distance;
  readonly layers: Record<string, Distance>;
}

/** The elements of a tensor, in pieces of at most `limit` bytes where the file allows it. */
export type Pieces = (name: string, limit?: number) => AsyncIterable<Tensor> | Iterable<Tensor>;

/** Computes the sums of a tensor of both ends. */
export type SumsOf = (name: string) => Promise<Sums>;

/** Distances of every layer and of all together. Tied tensors count once; running statistics count with their layer. */
export async function layerDistances(
  layers: readonly Layer[],
  sums: SumsOf,
  tied: readonly (readonly string[])[] = [],
): Promise<Distances> {
  const holder = holderOf(tied);
  let total = noSums;
  const result: Record<string, Distance> = {};
  for (const { name, parameters } of layers) {
    const parts = await Promise.all(parameters.filter((parameter) => holder(parameter) === parameter).map(sums));
    const layer = parts.reduce(addSums, noSums);
    result[name] = distanceOf(layer);
    total = addSums(total, layer);
  }
  return { full: distanceOf(total), layers: result };
}

/** Computes the sums in this thread, piece by piece. */
export const sumsOfPieces =
  (readA: Pieces, readB: Pieces, onProgress: (elements: number) => void = () => {}): SumsOf =>
  async (name) => {
    let total = noSums;
    for await (const [a, b] of inStep(readA(name), readB(name))) {
      total = addSums(total, sumsOf(a, b));
      onProgress(a.data.length);
    }
    return total;
  };

/** Pairs of pieces of equal sizes from both sequences; the next ones are read while these are used. */
export async function* inStep(
  x: AsyncIterable<Tensor> | Iterable<Tensor>,
  y: AsyncIterable<Tensor> | Iterable<Tensor>,
) {
  const [a, b] = [x, y].map((pieces) => flow(pieces));
  let [left, right] = await Promise.all([a.next(), b.next()]);
  while (!left.done && !right.done) {
    const size = Math.min(left.value.data.length, right.value.data.length);
    const ahead = [left, right].map(({ value }, i) =>
      value.data.length === size
        ? [a, b][i].next()
        : Promise.resolve({ done: false as const, value: cut(value, size) }),
    );
    yield [cut(left.value, 0, size), cut(right.value, 0, size)];
    [left, right] = await Promise.all(ahead);
  }
}

/** Whether all elements are equal as numbers; stops at the first difference. */
export async function isSame(x: ReturnType<Pieces>, y: ReturnType<Pieces>): Promise<boolean> {
  for await (const [one, other] of inStep(x, y)) if (countDiffering(one, other) > 0) return false;
  return true;
}

async function* flow(pieces: AsyncIterable<Tensor> | Iterable<Tensor>): AsyncGenerator<Tensor, undefined> {
  yield* pieces;
  return undefined;
}

function cut(tensor: Tensor, from: number, to = tensor.data.length): Tensor {
  if (from === 0 && to === tensor.data.length) return tensor;
  return { ...tensor, shape: [to - from], data: tensor.data.subarray(from, to) as Tensor["data"] };
}

const distanceOf = ({ difference, product, a, b }: Sums): Distance => ({
  euclidean: Math.sqrt(difference),
  cosine: a > 0 && b > 0 ? product / Math.sqrt(a * b) : null,
});
