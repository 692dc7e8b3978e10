// Weights of a graph that are in no state dict. A buffer that is not saved (rotary frequencies, masks) is a constant of
// the network. A value that the exporter computed from a parameter is not: the graph would silently use one value for
// both ends. So a constant is kept only if it cannot come from a tensor of the state dict.
import { inspect, isFloating, listSome, sizeOf, toNumbers } from "../../core/index.ts";
import type { Held } from "../../graph/index.ts";
import { isGenerated, moduleOf } from "../../models/index.ts";
import { formsOf, roundingOf, type StateDict } from "./candidates.ts";
import type { Elements } from "./elements.ts";

type Shape = readonly number[];

const parameterName = /(weight|bias|kernel|gamma|beta|scale|embedding|running_(mean|var))(_\w+|s)?$/i;
const weightUse =
  /^(MatMul|Gemm|Conv|ConvTranspose|FusedMatMul|Gather|LSTM|GRU|RNN|(Batch|Layer|Instance|Group)Normalization)$/;

/**
 * True for a weight of the graph that cannot come from the state dict: a buffer by its name and use, with a size that
 * no tensor explains. `shapes` are the shapes of all floating tensors of the state dict, `unused` those of tensors that
 * the graph does not use.
 */
export function isOwnConstant({ name, shape, use }: Held, shapes: Iterable<Shape>, unused: Iterable<Shape>): boolean {
  if (parameterName.test(name) || (isMatrix(shape) && weightUse.test(use?.op ?? ""))) return false;
  const size = sizeOf(shape);
  if (size === 1) return true; // foldedParameters compares its value with scalars
  // exporters keep the paths of buffers, and rename values that they compute
  const isBuffer = !isGenerated(name) && moduleOf(name) !== "";
  if (isBuffer) return [...unused].every((other) => sizeOf(other) !== size);
  if ([...shapes].some((other) => sizeOf(other) === size)) return false;
  return [...unused].every((other) => {
    const isPart = sizeOf(other) > 1 && size % sizeOf(other) === 0;
    return !isPart && !other.some((n) => n > 1 && shape.includes(n));
  });
}

export const isMatrix = (shape: Shape) => shape.filter((n) => n > 1).length > 1;

/**
 * Parameters that the graph does not use but whose value may be in a constant, as `X (in C)`: the ends differ, and the
 * constant is a common function of an end's value, or not a number that a programmer would write. `constants` are all
 * tensors of the graph without a parameter.
 */
export async function foldedParameters(
  constants: readonly Held[],
  unused: readonly string[],
  ends: readonly [StateDict, StateDict],
  elements: Elements,
): Promise<string[]> {
  const floating = constants.filter(({ dtype }) => isFloating(dtype));
  const found: string[] = [];
  for (const name of unused) {
    const shape = ends[0].tensors.get(name)!.shape;
    const isScalar = sizeOf(shape) === 1;
    const alike = floating.filter((held) => isScalar || formsOf(shape, held.shape).length > 0);
    if (alike.length === 0) continue;
    const values = [await ends[0].read(name), await ends[1].read(name)];
    const [x, y] = values.map((tensor) => inspect(tensor).digest);
    if (x === y) continue;
    const suspects: string[] = [];
    for (const held of alike) {
      const own = await elements.ofGraph(held);
      if (!own || (isScalar && !areEqual(own))) continue;
      const rounding = Math.max(1e-6, ...[held, ...values].map(({ dtype }) => 2 * roundingOf(dtype)));
      const isTheirs = values.some((tensor) => isFunctionOf(own, toNumbers(tensor), rounding));
      if (isTheirs || !Array.from(own).every(isWritten)) suspects.push(held.name);
    }
    if (suspects.length) found.push(`${name} (in ${listSome(suspects, 3)})`);
  }
  return found;
}

/** True for a scalar, and for an expanded one. */
const areEqual = (x: ArrayLike<number>): boolean => Array.from(x).every((value) => value === x[0]);

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** Functions that networks commonly apply to a scalar or a scale. */
const functions: readonly ((x: number) => number)[] = [
  (x) => x,
  (x) => -x,
  Math.abs,
  Math.exp,
  (x) => Math.exp(-x),
  (x) => Math.min(Math.exp(x), 100), // CLIP's limit
  (x) => 1 / x,
  Math.sqrt,
  (x) => 1 / Math.sqrt(x),
  (x) => x * x,
  Math.tanh,
  sigmoid,
  (x) => Math.log1p(Math.exp(x)),
  Math.log,
  (x) => 1 + x,
  (x) => 1 - x,
];

/** True if one of the functions maps all elements of y to those of x. */
function isFunctionOf(x: ArrayLike<number>, y: ArrayLike<number>, rounding: number): boolean {
  const isNear = (value: number, i: number) =>
    Number.isFinite(value) && Math.abs(x[i] - value) <= rounding * Math.abs(value);
  return functions.some((of) => Array.from(y, of).every(isNear));
}

/**
 * True for a number that a programmer may have written: one with few digits, or a simple function of one. Trained
 * numbers are such numbers only by chance.
 */
export function isWritten(x: number): boolean {
  const size = Math.abs(x);
  if (!Number.isFinite(x) || Number.isInteger(x) || size > 3e38) return true;
  if (isShort(size, 5, 2 ** -24)) return true;
  const squared = size * size;
  return [1 / size, squared, 1 / squared, squared * Math.PI, size / Math.PI].some((one) => isShort(one, 4, 2 ** -23));
}

const isShort = (x: number, digits: number, rounding: number) =>
  Math.abs(Number(x.toPrecision(digits)) - x) <= rounding * x;
