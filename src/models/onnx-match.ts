// Finds the weights of an ONNX graph in a state dict. Most have their names; where the export renamed one it is recognised by its elements (the graph
// was exported from one of the two checkpoints), by the module that uses it, or as the only one of its shape. A batch normalisation that was folded
// into the convolution before it is unfolded: the graph's weight becomes an expression of the state dict's.
import { isFloating, sizeOf, type Tensor, toNumbers } from "../core/index.ts";
import { cast, type ForeignModel, type Held, reshape, transpose, type Value } from "../graph/index.ts";
import type { Weights } from "./model.ts";
import { roundingOf, suspectFolds, unfoldAll } from "./onnx-fold.ts";
import { isGenerated, moduleOf, modulePath } from "./onnx-names.ts";

export type StateDict = ReadonlyMap<string, Tensor>;
/** A weight of the graph from the weights of the state dict. */
export type Binding = (weights: Weights) => Value;

export interface Match {
  readonly bindings: ReadonlyMap<string, Binding>;
  /** Weights of the graph that the state dict does not hold, with the reason. */
  readonly missing: readonly string[];
  /** Tensors of the state dict in the order in which the graph uses them first. */
  readonly used: readonly string[];
  /** Floating tensors of the state dict that the graph does not use. */
  readonly unused: readonly string[];
  /** True when a batch normalisation is folded into the graph's weights. */
  readonly folded: boolean;
  /** Why the weights of a convolution with a batch normalisation in them cannot be told from the state dict's. */
  readonly unclear: readonly string[];
}

type Form = "same" | "transposed" | "reshaped";

/** How the elements of `from` may lie in a tensor of shape `to`; a square matrix may lie both ways. */
function formsOf(from: readonly number[], to: readonly number[]): Form[] {
  const forms: Form[] = [];
  if (String(from) === String(to)) forms.push("same");
  if (from.length === 2 && String(from.toReversed()) === String(to)) forms.push("transposed");
  const long = (shape: readonly number[]) => shape.filter((n) => n !== 1);
  if (forms.length === 0 && String(long(from)) === String(long(to))) forms.push("reshaped");
  return forms;
}

function formed(name: string, form: Form, shape: readonly number[]): Binding {
  if (form === "same") return (weights) => weights(name);
  if (form === "transposed") return (weights) => transpose(weights(name), [1, 0]);
  return (weights) => reshape(weights(name), shape);
}

/** `values` are the graph's own; `ends` the state dicts of a and b, with equal names and shapes. */
export function matchWeights(model: ForeignModel, values: StateDict, ends: readonly [StateDict, StateDict]): Match {
  const [names] = ends;
  const bindings = new Map<string, Binding>();
  const uses = new Map<string, readonly string[]>(); // of the state dict, by weights of the graph
  const missing: string[] = [];
  const lost: Held[] = [];
  const isUsed = (name: string) => [...uses.values()].some((some) => some.includes(name));
  const taken = new Map<string, { held: Held; name: string; form: Form }>();
  const bind = ({ name, dtype }: Held, from: readonly string[], binding: Binding) => {
    bindings.set(name, (weights) => cast(binding(weights), dtype)); // parameters are float32, whatever the graph is in
    uses.set(name, from);
  };
  const take = (held: Held, name: string, form: Form) => {
    bind(held, [name], formed(name, form, held.shape));
    taken.set(held.name, { held, name, form });
  };
  const floating = model.held.filter((held) => isFloating(held.dtype));
  const wanted = floating.filter(({ tensor, name, shape }) => !tensor && (!isGenerated(name) || sizeOf(shape) > 1));

  const byForm = (held: Held, only: (name: string) => boolean = () => true) =>
    [...names].flatMap(([name, tensor]) => {
      const forms = isFloating(tensor.dtype) && only(name) ? formsOf(tensor.shape, held.shape) : [];
      return forms.map((form) => ({ name, form }));
    });
  const byName = ({ name }: Held) => {
    if (names.has(name)) return name;
    const alike = [...names.keys()].filter((known) => known.endsWith(`.${name}`) || name.endsWith(`.${known}`));
    return alike.length === 1 ? alike[0] : undefined;
  };
  const ofModule = (held: Held) => {
    const path = modulePath(held);
    if (!path) return [];
    const part = held.use!.op === "Add" || (held.use!.op === "Conv" && held.use!.input === 2) ? "bias" : "weight";
    const found = byForm(held, (name) => moduleOf(name) === path || moduleOf(name).endsWith(`.${path}`));
    const parts = found.filter(({ name }) => name.endsWith(part));
    return parts.length ? parts : found;
  };

  const ownOf = (held: Held) => held.tensor ?? values.get(held.copyOf ?? held.name);
  const widened = new Map<Tensor, ReturnType<typeof toNumbers>>(); // once, as one tensor is held against many
  const numbersOf = (one: Tensor) => {
    const numbers = widened.get(one) ?? toNumbers(one);
    widened.set(one, numbers);
    return numbers;
  };
  const agrees = (held: Held, name: string, form: Form, end: StateDict) => {
    const own = ownOf(held);
    const other = end.get(name)!;
    return own !== undefined && isEqual(numbersOf(own), numbersOf(other), form, other.shape, roundingOf(own.dtype));
  };

  const equalTo = (held: Held) =>
    byForm(held).filter(({ name, form }) => ends.some((end) => agrees(held, name, form, end)));

  const nameless: Held[] = [];
  const named: { held: Held; name: string; form: Form }[] = [];
  for (const held of wanted) {
    const name = isGenerated(held.name) ? undefined : byName(held);
    if (name === undefined) {
      nameless.push(held);
      continue;
    }
    const forms = formsOf(names.get(name)!.shape, held.shape);
    const form = forms.find((one) => ends.some((end) => agrees(held, name, one, end))) ?? forms[0];
    if (form) named.push({ held, name, form });
    else missing.push(`${held.name} [${held.shape}] (the file has [${names.get(name)!.shape}])`);
  }
  for (const { held, name, form } of named) take(held, name, form);

  const heldBy = new Map(floating.map((held) => [held.name, held]));
  const isTaken = (name: string) => {
    const one = taken.get(name);
    return one !== undefined && ends.some((end) => agrees(one.held, one.name, one.form, end));
  };
  const { found, unclear } = unfoldAll(model, {
    ends,
    isUsed,
    ownOf: (name) => (heldBy.has(name) ? ownOf(heldBy.get(name)!) : undefined),
    isPlain: (name) => isTaken(name) || (!taken.has(name) && equalTo(heldBy.get(name)!).length > 0),
    hintsOf: (name) => (taken.has(name) ? [taken.get(name)!.name] : ofModule(heldBy.get(name)!).map((one) => one.name)),
  });
  for (const [name, unfolded] of found) bind(heldBy.get(name)!, unfolded.names, unfolded.binding);

  // a graph that was exported from one of the ends agrees with it everywhere; a guess that does not is wrong
  const plain = named.filter(({ held }) => !found.has(held.name));
  const origin = plain.length
    ? ends.find((end) => plain.every(({ held, name, form }) => agrees(held, name, form, end)))
    : undefined;

  for (const held of [...nameless, ...floating.filter(({ tensor, shape }) => tensor && sizeOf(shape) > 1)]) {
    if (bindings.has(held.name)) continue;
    const local = ofModule(held);
    const equal = equalTo(held);
    const sure = equal.length > 1 ? equal.filter(({ name }) => local.some((one) => one.name === name)) : equal;
    if (sure.length) {
      take(held, sure[0].name, sure[0].form);
      continue;
    }
    if (held.tensor) continue; // a constant of the graph that is nobody's weight
    // exporters rename a matrix because they transpose it
    const turned = held.use?.op === "MatMul" ? local.filter(({ form }) => form === "transposed") : local;
    if (turned.length === 1 && held.use?.op !== "Conv" && !origin) take(held, turned[0].name, turned[0].form);
    else lost.push(held);
  }

  if (!origin) takeLastOfShape(lost, byForm, isUsed, take);
  const unused = [...names].filter(([name, { dtype }]) => isFloating(dtype) && !isUsed(name)).map(([name]) => name);
  for (const { name, shape } of lost) if (!bindings.has(name)) missing.push(`${name} [${shape}]`);
  const sizes = new Map(unused.map((name) => [name, sizeOf(names.get(name)!.shape)]));
  // a fresh normalisation scales by less than what half precision can tell
  const isTheirs = (name: string) => found.has(name) || (isTaken(name) && !roundingOf(heldBy.get(name)!.dtype));
  if (unclear.length === 0) unclear.push(...suspectFolds(model, (name) => heldBy.get(name)?.shape, isTheirs, sizes));
  const used = [...new Set(model.held.flatMap((held) => uses.get(held.name) ?? []))];
  return { bindings, missing, used, unused, folded: found.size > 0, unclear };
}

/** Pairs what is left over on both sides where it is the only one of its shape on both. */
function takeLastOfShape(
  lost: readonly Held[],
  byForm: (held: Held, only: (name: string) => boolean) => { name: string; form: Form }[],
  isUsed: (name: string) => boolean,
  take: (held: Held, name: string, form: Form) => void,
): void {
  for (const held of lost) {
    if (lost.some((other) => other !== held && formsOf(other.shape, held.shape).length) || held.use?.op === "Conv")
      continue;
    const left = byForm(held, (name) => !isUsed(name));
    if (left.length === 1) take(held, left[0].name, left[0].form);
  }
}

/** The same elements, in the form given; x is rounded as the graph is, y of the shape is not. */
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
    if (!(rounding && Math.abs(x[i] - other) <= rounding * Math.abs(other) + 2 ** -25)) return false; // the smallest half's half
  }
  return true;
}
