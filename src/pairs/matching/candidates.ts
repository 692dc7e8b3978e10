// Finds the tensors of a state dict that a weight of an ONNX graph may be: by its shape, its name, the module that uses
// it, or its elements (the graph was exported from one of the two checkpoints).
import type { StoredTensors } from "../../checkpoints/index.ts";
import { type DType, isFloating, sizeOf } from "../../core/index.ts";
import { type Held, reshape, transpose, type Value } from "../../graph/index.ts";
import { groupBy, isGenerated, moduleOf, modulePath, type Weights } from "../../models/index.ts";
import type { Elements } from "./elements.ts";

/** The tensors of an end, read on demand. */
export interface StateDict extends StoredTensors {
  /** Equal for tensors with the same dtype, shape and elements. */
  digestOf(name: string): string;
}
/** Builds a weight of the graph from the weights of the state dict. */
export type Binding = (weights: Weights) => Value;

type Form = "same" | "transposed" | "reshaped";

/** A tensor of the state dict, and its form in the graph. */
export interface Candidate {
  readonly name: string;
  readonly form: Form;
}

interface Named {
  readonly name: string;
  readonly shape: readonly number[];
}

export type Candidates = ReturnType<typeof candidatesOf>;

/**
 * `ends` are the state dicts of a and b, with equal names and shapes; `elements` reads their tensors and the graph's.
 */
export function candidatesOf(elements: Elements, ends: readonly [StateDict, StateDict]) {
  const [{ tensors: names }] = ends;
  const floating = [...names].flatMap(([name, { dtype, shape }]) => (isFloating(dtype) ? [{ name, shape }] : []));
  const byForm = groupByForm(floating, ({ shape }) => shape);
  const bySize = groupBy(floating, ({ shape }) => [String(sizeOf(shape))]);
  const byEnd = groupBy([...names.keys()], endsOfPath);
  const byModule = groupBy(floating, ({ name }) => endsOfPath(moduleOf(name)));
  const formsIn = (some: readonly Named[] | undefined, held: Held): Candidate[] =>
    (some ?? []).flatMap(({ name, shape }) => formsOf(shape, held.shape).map((form) => ({ name, form })));
  const ofForm = (held: Held, only: (name: string) => boolean = () => true): Candidate[] =>
    formsIn(byForm.get(formKey(held.shape)), held).filter(({ name }) => only(name));

  const agrees = async (held: Held, { name, form }: Candidate, end: StateDict) => {
    const own = await elements.ofGraph(held);
    if (own === undefined) return false;
    return isEqual(own, await elements.of(end, name), form, names.get(name)!.shape, roundingOf(held.dtype));
  };
  const isTheirs = async (held: Held, one: Candidate) =>
    (await agrees(held, one, ends[0])) || (await agrees(held, one, ends[1]));

  /** Tensors by their first and last element in either end. These do not move in any form. */
  const indices = new Map<string, Map<string, Named[]>>();
  const indexOf = async (size: string): Promise<Map<string, Named[]>> => {
    const keys = new Map<Named, Set<string>>();
    for (const one of bySize.get(size) ?? []) {
      const both = [cornersOf(await elements.of(ends[0], one.name)), cornersOf(await elements.of(ends[1], one.name))];
      keys.set(one, new Set(both));
    }
    return groupBy([...keys.keys()], (one) => [...keys.get(one)!]);
  };
  const likelyByElements = async (held: Held): Promise<readonly Named[]> => {
    const size = String(sizeOf(held.shape));
    const own = await elements.ofGraph(held);
    if (!own || roundingOf(held.dtype)) return bySize.get(size) ?? [];
    const index = indices.get(size) ?? (await indexOf(size));
    indices.set(size, index);
    return index.get(cornersOf(own)) ?? [];
  };

  return {
    ofForm,
    /** True if the graph's elements equal those of an end. */
    agrees,
    /** True if they equal those of either end. */
    isTheirs,
    /** The tensor that a weight's own name suggests. */
    nameOf({ name }: Held): string | undefined {
      if (names.has(name) && !/^\d+$/.test(name)) return name;
      if (isGenerated(name)) return undefined;
      const within = byEnd.get(name) ?? [];
      const alike = [
        ...within,
        ...endsOfPath(name)
          .slice(1)
          .filter((end) => names.has(end)),
      ];
      return alike.length === 1 ? alike[0] : undefined;
    },
    async ofName(held: Held, name: string): Promise<Candidate | undefined> {
      const likely = formsOf(names.get(name)!.shape, held.shape).map((form) => ({ name, form }));
      for (const one of likely.length > 1 ? likely : []) if (await isTheirs(held, one)) return one;
      return likely[0];
    },
    ofModule(held: Held): Candidate[] {
      const path = modulePath(held);
      if (!path) return [];
      const part = held.use!.op === "Add" || (held.use!.op === "Conv" && held.use!.input === 2) ? "bias" : "weight";
      const found = formsIn(byModule.get(path), held);
      const parts = found.filter(({ name }) => name.endsWith(part));
      return parts.length ? parts : found;
    },
    async ofElements(held: Held): Promise<Candidate[]> {
      const likely = await likelyByElements(held);
      const same = formsIn(likely, held);
      const flattened = likely
        .filter(({ shape }) => formsOf(shape, held.shape).length === 0)
        .map(({ name }): Candidate => ({ name, form: "reshaped" }));
      const found: Candidate[] = [];
      for (const one of [...same, ...flattened]) if (await isTheirs(held, one)) found.push(one);
      return found;
    },
  };
}

// -0 as 0
const cornersOf = (x: ArrayLike<number>): string => `${Math.fround(x[0]) + 0} ${Math.fround(x[x.length - 1]) + 0}`;

/** A path and its suffixes: `a.b.c`, `b.c`, `c`. */
const endsOfPath = (path: string): string[] => [
  path,
  ...Array.from(path.matchAll(/[./]/g), ({ index }) => path.slice(index + 1)),
];

/** Equal for shapes that may be forms of one tensor. */
export const formKey = (shape: readonly number[]): string =>
  shape
    .filter((n) => n !== 1)
    .sort((x, y) => x - y)
    .join();

export const groupByForm = <T>(all: readonly T[], shapeOf: (one: T) => readonly number[]): Map<string, T[]> =>
  groupBy(all, (one) => [formKey(shapeOf(one))]);

/** The forms that turn the shape `from` into `to`; a square matrix may be transposed or not. */
export function formsOf(from: readonly number[], to: readonly number[]): Form[] {
  const forms: Form[] = [];
  if (String(from) === String(to)) forms.push("same");
  if (from.length === 2 && String(from.toReversed()) === String(to)) forms.push("transposed");
  const long = (shape: readonly number[]) => shape.filter((n) => n !== 1);
  if (forms.length === 0 && String(long(from)) === String(long(to))) forms.push("reshaped");
  return forms;
}

/** The binding that brings a tensor into a shape. */
export function bindingOf({ name, form }: Candidate, shape: readonly number[]): Binding {
  if (form === "same") return (weights) => weights(name);
  if (form === "transposed") return (weights) => transpose(weights(name), [1, 0]);
  return (weights) => reshape(weights(name), shape);
}

/** The largest relative rounding error of a dtype coarser than float32; else 0. */
export const roundingOf = (dtype: DType): number =>
  dtype === "float16" ? 2 ** -11 : dtype === "bfloat16" ? 2 ** -8 : 0;

/**
 * Compares elements in the given form. x comes from the graph and is rounded; y has the shape [rows, columns] and is
 * not.
 */
function isEqual(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  form: Form,
  [rows, columns]: readonly number[],
  rounding: number,
): boolean {
  for (let i = 0; i < x.length; i++) {
    const other = y[form === "transposed" ? (i % rows) * columns + Math.floor(i / rows) : i];
    if (x[i] === other || x[i] === Math.fround(other)) continue;
    // the smallest half's half
    if (!(rounding && Math.abs(x[i] - other) <= rounding * Math.abs(other) + 2 ** -25)) return false;
  }
  return true;
}
