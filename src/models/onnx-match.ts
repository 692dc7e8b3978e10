// Finds the weights of an ONNX graph in a state dict. Most have their names; where the export renamed one it is recognised by its elements (the graph
// was exported from one of the two checkpoints), by the module that uses it, or as the only one of its shape. A batch normalisation that was folded
// into the convolution before it is unfolded: the graph's weight becomes an expression of the state dict's.
import { isFloating, sizeOf, type Tensor, toNumbers } from "../core/index.ts";
import { type ForeignModel, type Held, reshape, transpose, type Value } from "../graph/index.ts";
import type { Weights } from "./model.ts";
import { unfold } from "./onnx-fold.ts";
import { isGenerated, moduleOf, modulePath } from "./onnx-names.ts";

export type StateDict = ReadonlyMap<string, Tensor>;
/** A weight of the graph from the weights of the state dict. */
export type Binding = (weights: Weights) => Value;

export interface Match {
  readonly bindings: ReadonlyMap<string, Binding>;
  /** Weights of the graph that the state dict does not hold, with the reason. */
  readonly missing: readonly string[];
  /** Floating tensors of the state dict that the graph does not use. */
  readonly unused: readonly string[];
  /** True when a batch normalisation is folded into the graph's weights. */
  readonly folded: boolean;
}

type Form = "same" | "transposed" | "reshaped";

/** How the elements of `from` may lie in a tensor of shape `to`. */
function formOf(from: readonly number[], to: readonly number[]): Form | undefined {
  if (String(from) === String(to)) return "same";
  if (from.length === 2 && String(from.toReversed()) === String(to)) return "transposed";
  const long = (shape: readonly number[]) => shape.filter((n) => n !== 1);
  return String(long(from)) === String(long(to)) ? "reshaped" : undefined;
}

function bind(name: string, form: Form, shape: readonly number[]): Binding {
  if (form === "same") return (weights) => weights(name);
  if (form === "transposed") return (weights) => transpose(weights(name), [1, 0]);
  return (weights) => reshape(weights(name), shape);
}

/** `values` are the graph's own; `ends` the state dicts of a and b, with equal names and shapes. */
export function matchWeights(model: ForeignModel, values: StateDict, ends: readonly [StateDict, StateDict]): Match {
  const [names] = ends;
  const bindings = new Map<string, Binding>();
  const used = new Set<string>();
  const missing: string[] = [];
  const lost: Held[] = [];
  let folded = false;
  const take = (held: Held, name: string, form: Form) => {
    bindings.set(held.name, bind(name, form, held.shape));
    used.add(name);
  };
  const floating = model.held.filter((held) => isFloating(held.dtype));
  const wanted = floating.filter(({ tensor, name, shape }) => !tensor && (!isGenerated(name) || sizeOf(shape) > 1));

  const byForm = (held: Held, only: (name: string) => boolean = () => true) =>
    [...names].flatMap(([name, tensor]) => {
      const form = isFloating(tensor.dtype) && only(name) ? formOf(tensor.shape, held.shape) : undefined;
      return form ? [{ name, form }] : [];
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

  for (const held of [...wanted, ...floating.filter(({ tensor, shape }) => tensor && sizeOf(shape) > 1)]) {
    const own = held.tensor ?? values.get(held.copyOf ?? held.name);
    const named = isGenerated(held.name) ? undefined : byName(held);
    if (named !== undefined) {
      const form = formOf(names.get(named)!.shape, held.shape);
      if (form) take(held, named, form);
      else missing.push(`${held.name} [${held.shape}] (the file has [${names.get(named)!.shape}])`);
      continue;
    }
    const local = ofModule(held);
    const equal = own
      ? byForm(held).filter(({ name, form }) => ends.some((end) => isEqual(own, end.get(name)!, form)))
      : [];
    const sure = equal.length > 1 ? equal.filter(({ name }) => local.some((l) => l.name === name)) : equal;
    if (sure.length === 1) {
      take(held, sure[0].name, sure[0].form);
      continue;
    }
    if (held.tensor) continue; // a constant of the graph that is nobody's weight
    const fold = own && held.use?.op === "Conv" ? unfold(held, own, ends) : undefined;
    if (fold) {
      bindings.set(held.name, fold.binding);
      for (const name of fold.names) used.add(name);
      folded = true;
    } else if (local.length === 1 && held.use?.op !== "Conv") take(held, local[0].name, local[0].form);
    else lost.push(held);
  }

  takeLastOfShape(lost, byForm, used, take);
  const unused = [...names].filter(([name, { dtype }]) => isFloating(dtype) && !used.has(name)).map(([name]) => name);
  for (const { name, shape } of lost) if (!bindings.has(name)) missing.push(`${name} [${shape}]`);
  return { bindings, missing, unused, folded };
}

/** Pairs what is left over on both sides where it is the only one of its shape on both. */
function takeLastOfShape(
  lost: readonly Held[],
  byForm: (held: Held, only: (name: string) => boolean) => { name: string; form: Form }[],
  used: ReadonlySet<string>,
  take: (held: Held, name: string, form: Form) => void,
): void {
  for (const held of lost) {
    if (lost.some((other) => other !== held && formOf(other.shape, held.shape)) || held.use?.op === "Conv") continue;
    const left = byForm(held, (name) => !used.has(name));
    if (left.length === 1) take(held, left[0].name, left[0].form);
  }
}

/** The same elements, in the form given. */
function isEqual(own: Tensor, other: Tensor, form: Form): boolean {
  const [x, y] = [toNumbers(own), toNumbers(other)];
  const [rows, columns] = other.shape;
  for (let i = 0; i < x.length; i++) {
    const at = form === "transposed" ? (i % rows) * columns + Math.floor(i / rows) : i;
    if (x[i] !== Math.fround(y[at]) && x[i] !== y[at]) return false;
  }
  return true;
}
