// What a graph holds and no state dict does. A buffer that is not saved (rotary frequencies, masks) is a constant of the network. What the exporter
// computed from a parameter is not: the graph would keep one value for both ends, which is wrong without a sign. So a constant is kept only where no
// tensor of the state dict could be meant.
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
 * True for a weight of the graph that cannot come from the state dict: a buffer by its name and use, for which no tensor could be meant. `shapes` are
 * those of all floating tensors of the state dict, `unused` of those that the graph does not use.
 */
export function isOwnConstant({ name, shape, use }: Held, shapes: Iterable<Shape>, unused: Iterable<Shape>): boolean {
  if (parameterName.test(name) || (isMatrix(shape) && weightUse.test(use?.op ?? ""))) return false;
  const size = sizeOf(shape);
  if (size === 1) return true; // whether it was computed from a scalar is seen by its value
  // an exporter leaves buffers their paths, and gives what it computes another name
  const isBuffer = !isGenerated(name) && moduleOf(name) !== "";
  if (isBuffer) return [...unused].every((other) => sizeOf(other) !== size);
  if ([...shapes].some((other) => sizeOf(other) === size)) return false;
  return [...unused].every((other) => {
    const isPart = sizeOf(other) > 1 && size % sizeOf(other) === 0;
    return !isPart && !other.some((n) => n > 1 && shape.includes(n));
  });
}

const isMatrix = (shape: Shape) => shape.filter((n) => n > 1).length > 1;

/**
 * Parameters that the graph does not use and whose value it may hold in a constant, as `X (in C)`: where the ends differ, and the constant is
 * a usual function of an end's value or no number that a programmer would write. `constants` are all that no parameter is bound to.
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

/** True for a scalar, also where it was expanded. */
const areEqual = (x: ArrayLike<number>): boolean => Array.from(x).every((value) => value === x[0]);

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** What networks do with a scalar or a scale before they use it. */
const functions: readonly ((x: number) => number)[] = [
  (x) => x,
  (x) => -x,
  Math.abs,
  Math.exp,
  (x) => Math.exp(-x),
  (x) => Math.min(Math.exp(x), 100), // CLIP's largest scale
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

/** True where one of the functions gives all elements of x from those of y. */
function isFunctionOf(x: ArrayLike<number>, y: ArrayLike<number>, rounding: number): boolean {
  const isNear = (value: number, i: number) =>
    Number.isFinite(value) && Math.abs(x[i] - value) <= rounding * Math.abs(value);
  return functions.some((of) => Array.from(y, of).every(isNear));
}

/** True for a number that may stand in a program: of few digits, or a simple function of such a one. A trained number is none but by chance. */
export function isWritten(x: number): boolean {
  const size = Math.abs(x);
  if (!Number.isFinite(x) || Number.isInteger(x) || size > 3e38) return true;
  if (isShort(size, 5, 2 ** -24)) return true;
  const squared = size * size;
  return [1 / size, squared, 1 / squared, squared * Math.PI, size / Math.PI].some((one) => isShort(one, 4, 2 ** -23));
}

const isShort = (x: number, digits: number, rounding: number) =>
  Math.abs(Number(x.toPrecision(digits)) - x) <= rounding * x;
