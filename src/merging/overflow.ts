// Weights that are finite in both ends but infinite in the merged file, whose dtypes are those of a's file: b's dtypes
// may have a larger range.
import type { Checkpoint } from "../checkpoints/index.ts";
import { allFinite, type DType, listSome, type Tensor, toNumbers, UserError } from "../core/index.ts";

/** The largest number of each floating dtype. */
const largest: Readonly<Partial<Record<DType, number>>> = {
  float16: 65504,
  bfloat16: 2 ** 127 * (2 - 2 ** -7),
  float32: 2 ** 127 * (2 - 2 ** -23),
  float64: Number.MAX_VALUE,
};

/** The ends that contribute to the average at `alpha`. */
export function endsAt(alpha: number, a: Tensor, b: Tensor): readonly Tensor[] {
  if (alpha === 0) return [a];
  return alpha === 1 ? [b] : [a, b];
}

/** Whether an element is NaN or infinite, although it is finite in all `ends` that it comes from. */
export function hasOverflowed(result: Tensor, ends: readonly Tensor[]): boolean {
  if (ends.includes(result) || allFinite(result)) return false;
  const values = toNumbers(result);
  const sources = ends.map(toNumbers);
  for (let i = 0; i < values.length; i++)
    if (!Number.isFinite(values[i]) && sources.every((source) => Number.isFinite(source[i]))) return true;
  return false;
}

/** What b contributes to a tensor. */
interface Contribution {
  readonly dtype: DType;
  readonly alpha: number;
}

interface Overflows {
  /** Throws {@link UserError} if infinite weights are not allowed. */
  add(name: string, dtype: DType, other?: Contribution): void;
  notes(): string[];
}

/** Collects the tensors that overflow. */
export function makeOverflows({ path }: Checkpoint, b: Checkpoint, areAllowed = false): Overflows {
  const found = new Map<DType, Set<string>>();
  const range = (dtype: DType) => `the largest ${dtype}, ${Number(largest[dtype]?.toPrecision(6))}`;
  return {
    add(name, dtype, other) {
      if (!areAllowed)
        throw new UserError(
          `${name} is ${dtype} in ${path}, but the merged weights exceed ${range(dtype)}. ${adviceFor(path, dtype, b.path, other)}, or allow infinite weights with --allow-nonfinite.`,
        );
      const names = found.get(dtype);
      if (names) names.add(name);
      else found.set(dtype, new Set([name]));
    },
    notes: () =>
      [...found].map(
        ([dtype, names]) =>
          `Merged weights above ${range(dtype)}, became infinite, because ${path} stores these tensors as ${dtype}: ${listSome([...names])}.`,
      ),
  };
}

function adviceFor(path: string, dtype: DType, pathB: string, other: Contribution | undefined): string {
  if (other && (largest[other.dtype] ?? 0) > (largest[dtype] ?? 0)) {
    const rest = Number((1 - other.alpha).toFixed(12));
    const alpha = rest === 0.5 ? "" : `, and use alpha ${rest} instead of ${other.alpha}`;
    return `Swap the two files (${pathB} has ${other.dtype})${alpha}`;
  }
  return dtype === "float64" ? "Choose an alpha between 0 and 1" : `Convert ${path} to a wider dtype first`;
}
