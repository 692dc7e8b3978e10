// A tied matrix that an export wrote twice: once for the embedding and once transposed for the product, by constant
// folding. Both are the same weight, so they belong to one layer.
import { isFloating, listSome, makeArray, sizeOf, type Tensor, type TypedArray } from "../core/index.ts";
import type { Pieces } from "./distance.ts";

/** Vectors may be equal by chance: zero biases, or the ones of a fresh normalisation. */
export const mayBeTied = ({ dtype, shape }: Pick<Tensor, "dtype" | "shape">): boolean =>
  isFloating(dtype) && shape.length >= 2 && sizeOf(shape) >= 16;

type Matrix = Pick<Tensor, "dtype" | "shape"> & { readonly name: string };

/** Number of bytes read to get the first element. */
const beginning = 64;

/** Maps a matrix to an earlier one that is its transpose in every end. */
export async function findTransposed(tensors: Iterable<Matrix>, ends: readonly Pieces[]): Promise<Map<string, string>> {
  const groups = new Map<string, Matrix[]>();
  for (const one of tensors) {
    if (one.shape.length !== 2 || !mayBeTied(one)) continue;
    const key = `${one.dtype} ${[...one.shape].sort((x, y) => x - y)}`;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  const found = new Map<string, string>();
  for (const group of groups.values()) {
    if (!group.some((x) => group.some((y) => x !== y && isReversed(x, y)))) continue;
    const byFirst = new Map<string, Matrix[]>(); // a transpose has the same first element
    for (const one of group) {
      const first = String(await Promise.all(ends.map((end) => firstOf(end(one.name, beginning)))));
      byFirst.set(first, [...(byFirst.get(first) ?? []), one]);
    }
    for (const alike of byFirst.values())
      for (const [i, later] of alike.entries())
        for (const earlier of alike.slice(0, i)) {
          if (found.has(earlier.name) || !isReversed(earlier, later)) continue;
          if (!(await areTransposed(earlier, later, ends))) continue;
          found.set(later.name, earlier.name);
          break;
        }
  }
  return found;
}

/** Notes on what {@link findTransposed} found. */
export function notesOfTransposed(found: ReadonlyMap<string, string>): string[] {
  if (found.size === 0) return [];
  const pairs = [...found].map(([later, earlier]) => `${earlier} and ${later}`);
  return [
    `The graph contains a weight twice, once transposed: ${listSome(pairs, 3)}. They are averaged together, as one layer; distances count both.`,
  ];
}

const isReversed = (x: Matrix, y: Matrix): boolean => x.shape[0] === y.shape[1] && x.shape[1] === y.shape[0];

async function firstOf(pieces: ReturnType<Pieces>): Promise<number | bigint | undefined> {
  for await (const { data } of pieces) return data[0];
  return undefined;
}

async function areTransposed(x: Matrix, y: Matrix, ends: readonly Pieces[]): Promise<boolean> {
  for (const end of ends)
    if (!(await isTransposed(await elementsOf(x, end(x.name)), x.shape, end(y.name)))) return false;
  return true;
}

async function elementsOf({ dtype, shape }: Matrix, pieces: ReturnType<Pieces>): Promise<TypedArray> {
  const all = makeArray(dtype, sizeOf(shape));
  let at = 0;
  for await (const { data } of pieces) {
    (all as Float32Array).set(data as Float32Array, at);
    at += data.length;
  }
  return all;
}

/**
 * Whether the pieces are the transpose of a matrix. A constant matrix does not count, since it may be equal by chance.
 */
async function isTransposed(
  matrix: TypedArray,
  [rows, columns]: readonly number[],
  pieces: ReturnType<Pieces>,
): Promise<boolean> {
  let [at, isConstant] = [0, true];
  for await (const { data } of pieces)
    for (const element of data) {
      if (element !== matrix[(at % rows) * columns + Math.floor(at / rows)]) return false;
      if (element !== matrix[0]) isConstant = false;
      at++;
    }
  return !isConstant;
}
