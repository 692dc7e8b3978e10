// Finds the weights of an ONNX graph in a state dict. Most have their names; where the export renamed one it is recognised by its elements (the graph
// was exported from one of the two checkpoints), by the module that uses it, or as the only one of its shape. A batch normalisation that was folded
// into the convolution before it is unfolded: the graph's weight becomes an expression of the state dict's.
import { isFloating, sizeOf } from "../../core/index.ts";
import { cast, type ForeignModel, type Held } from "../../graph/index.ts";
import { isGenerated } from "../../models/index.ts";
import {
  type Binding,
  bindingOf,
  type Candidate,
  type Candidates,
  candidatesOf,
  formsOf,
  roundingOf,
  type StateDict,
} from "./candidates.ts";
import { elementsOf } from "./elements.ts";
import { suspectFolds, unfoldAll } from "./fold.ts";

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

/** `values` are the graph's own; `ends` the state dicts of a and b, with equal names and shapes. */
export async function matchWeights(
  model: ForeignModel,
  values: StateDict,
  ends: readonly [StateDict, StateDict],
): Promise<Match> {
  const [{ tensors: names }] = ends;
  const elements = elementsOf(values);
  const candidates = candidatesOf(elements, ends);
  const { agrees, isTheirs, ofElements, ofModule, ofName, nameOf } = candidates;
  const bindings = new Map<string, Binding>();
  const uses = new Map<string, readonly string[]>(); // of the state dict, by weights of the graph
  const missing: string[] = [];
  const isUsed = (name: string) => [...uses.values()].some((some) => some.includes(name));
  const bind = ({ name, dtype }: Held, from: readonly string[], binding: Binding) => {
    bindings.set(name, (weights) => cast(binding(weights), dtype)); // parameters are float32, whatever the graph is in
    uses.set(name, from);
  };
  const taken = new Map<string, Candidate>();
  const take = (held: Held, one: Candidate) => {
    bind(held, [one.name], bindingOf(one, held.shape));
    taken.set(held.name, one);
  };
  const floating = model.held.filter((held) => isFloating(held.dtype));
  const heldBy = new Map(floating.map((held) => [held.name, held]));

  const nameless: Held[] = [];
  for (const held of floating) {
    if (held.tensor || (isGenerated(held.name) && sizeOf(held.shape) === 1)) continue;
    const name = nameOf(held);
    const one = name === undefined ? undefined : await ofName(held, name);
    if (name === undefined) nameless.push(held);
    else if (one) take(held, one);
    else missing.push(`${held.name} [${held.shape}] (the file has [${names.get(name)!.shape}])`);
  }
  const named = [...taken];

  const isTaken = async (name: string) => taken.has(name) && isTheirs(heldBy.get(name)!, taken.get(name)!);
  const { found, unclear } = await unfoldAll(model, {
    ends,
    elements,
    isUsed,
    heldOf: (name) => heldBy.get(name),
    isPlain: async (name) =>
      (await isTaken(name)) || (!taken.has(name) && (await ofElements(heldBy.get(name)!)).length > 0),
    hintsOf: (name) => (taken.has(name) ? [taken.get(name)!.name] : ofModule(heldBy.get(name)!).map((one) => one.name)),
  });
  for (const [name, unfolded] of found) bind(heldBy.get(name)!, unfolded.names, unfolded.binding);

  // a graph that was exported from one of the ends agrees with it everywhere; a guess that does not is wrong
  const plain = named.filter(([name]) => !found.has(name));
  const isOrigin = async (end: StateDict) => {
    for (const [name, one] of plain) if (!(await agrees(heldBy.get(name)!, one, end))) return false;
    return plain.length > 0;
  };
  const left = [...nameless, ...floating.filter(({ tensor, shape }) => tensor && sizeOf(shape) > 1)];
  const hasOrigin = left.length > 0 && ((await isOrigin(ends[0])) || (await isOrigin(ends[1])));

  const lost: Held[] = [];
  for (const held of left) {
    if (bindings.has(held.name)) continue;
    const local = ofModule(held);
    const equal = await ofElements(held);
    const sure = equal.length > 1 ? equal.filter(({ name }) => local.some((one) => one.name === name)) : equal;
    if (sure.length) {
      take(held, sure[0]);
      continue;
    }
    if (held.tensor) continue; // a constant of the graph that is nobody's weight
    // exporters rename a matrix because they transpose it
    const turned = held.use?.op === "MatMul" ? local.filter(({ form }) => form === "transposed") : local;
    if (turned.length === 1 && held.use?.op !== "Conv" && !hasOrigin) take(held, turned[0]);
    else lost.push(held);
  }

  if (!hasOrigin) takeLastOfShape(lost, candidates, isUsed, take);
  const unused = [...names].filter(([name, { dtype }]) => isFloating(dtype) && !isUsed(name)).map(([name]) => name);
  for (const { name, shape } of lost) if (!bindings.has(name)) missing.push(`${name} [${shape}]`);
  const sizes = new Map(unused.map((name) => [name, sizeOf(names.get(name)!.shape)]));
  // a fresh normalisation scales by less than what half precision can tell
  const isKnown = async (name: string) =>
    found.has(name) || (!roundingOf(heldBy.get(name)!.dtype) && (await isTaken(name)));
  if (unclear.length === 0)
    unclear.push(...(await suspectFolds(model, (name) => heldBy.get(name)?.shape, isKnown, sizes)));
  const used = [...new Set(model.held.flatMap((held) => uses.get(held.name) ?? []))];
  return { bindings, missing, used, unused, folded: found.size > 0, unclear };
}

/** Pairs what is left over on both sides where it is the only one of its shape on both. */
function takeLastOfShape(
  lost: readonly Held[],
  { ofForm }: Candidates,
  isUsed: (name: string) => boolean,
  take: (held: Held, one: Candidate) => void,
): void {
  for (const held of lost) {
    if (lost.some((other) => other !== held && formsOf(other.shape, held.shape).length) || held.use?.op === "Conv")
      continue;
    const left = ofForm(held, (name) => !isUsed(name));
    if (left.length === 1) take(held, left[0]);
  }
}
