// Finds the weights of an ONNX graph in a state dict. Most keep their names. A renamed weight is recognised by its
// elements (the graph was exported from one of the two checkpoints), by the module that uses it, or as the only one of
// its shape. A batch normalisation that was folded into a convolution is unfolded: the graph's weight becomes an
// expression of the state dict's weights.
import type { StoredTensors } from "../../checkpoints/index.ts";
import { isFloating, sizeOf } from "../../core/index.ts";
import { cast, type ForeignModel, type Held } from "../../graph/index.ts";
import { isGenerated, isNeutral, neutralValue } from "../../models/index.ts";
import {
  type Binding,
  bindingOf,
  type Candidate,
  type Candidates,
  candidatesOf,
  formKey,
  formsOf,
  groupByForm,
  roundingOf,
  type StateDict,
} from "./candidates.ts";
import { foldedParameters, isOwnConstant } from "./constants.ts";
import { findDropped } from "./dropped.ts";
import { elementsOf } from "./elements.ts";
import { suspectFolds, unfoldAll } from "./fold.ts";
import { findIntegers } from "./integers.ts";
import { findShared, type Shared } from "./shared.ts";

export interface Match {
  readonly bindings: ReadonlyMap<string, Binding>;
  /** Weights of the graph that are not in the state dict, with the reason. */
  readonly missing: readonly string[];
  /** Weights of the graph that are in no state dict and do not change: buffers that are not saved. */
  readonly constants: readonly string[];
  /** Tensors of the state dict that the graph does not use, but whose values may be in its constants. */
  readonly hidden: readonly string[];
  /** Tensors of the state dict that the graph does not use although it computes their modules. */
  readonly dropped: readonly string[];
  /** Tensors of the state dict that the graph stores under the name of another one. */
  readonly shared: Shared;
  /** Tensors of the state dict in the order of their first use in the graph. */
  readonly used: readonly string[];
  /** Floating tensors of the state dict that the graph does not use. */
  readonly unused: readonly string[];
  /** True if a batch normalisation is folded into the graph's weights. */
  readonly folded: boolean;
  /** Why folded batch normalisations cannot be separated. */
  readonly unclear: readonly string[];
}

/** `values` are the graph's own weights; `ends` are the state dicts of a and b, with equal names and shapes. */
export async function matchWeights(
  model: ForeignModel,
  values: StoredTensors,
  ends: readonly [StateDict, StateDict],
): Promise<Match> {
  const [{ tensors: names }] = ends;
  const elements = elementsOf(values);
  const candidates = candidatesOf(elements, ends);
  const { agrees, isTheirs, ofElements, ofModule, ofName, nameOf } = candidates;
  const bindings = new Map<string, Binding>();
  const uses = new Map<string, readonly string[]>(); // names in the state dict by weights of the graph
  const missing: string[] = [];
  const useCounts = new Map<string, number>();
  const isUsed = (name: string) => (useCounts.get(name) ?? 0) > 0;
  const countUses = (some: readonly string[], by: number) => {
    for (const name of some) useCounts.set(name, (useCounts.get(name) ?? 0) + by);
  };
  const bind = ({ name, dtype }: Held, from: readonly string[], binding: Binding) => {
    countUses(uses.get(name) ?? [], -1);
    countUses(from, 1);
    bindings.set(name, (weights) => cast(binding(weights), dtype)); // parameters are float32 in any graph
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

  // a graph that was exported from an end agrees with it everywhere, so a guess that does not agree is wrong
  const plain = named.filter(([name]) => !found.has(name));
  const isOrigin = async (end: StateDict) => {
    for (const [name, one] of plain) if (!(await agrees(heldBy.get(name)!, one, end))) return false;
    return plain.length > 0;
  };
  const unnamed = [...nameless, ...floating.filter(({ tensor, shape }) => tensor && sizeOf(shape) > 1)];
  const neutral = new Set<Held>();
  for (const held of unnamed.filter((one) => neutralValue(one) !== undefined))
    if (isNeutral(held, (await elements.ofGraph(held)) ?? [Number.NaN])) neutral.add(held);
  // a fresh normalisation also has ones and zeros, so neutral constants get only what no weight has
  const open = [...unnamed.filter((held) => !neutral.has(held)), ...neutral];
  const hasOrigin = open.length > 0 && ((await isOrigin(ends[0])) || (await isOrigin(ends[1])));

  const lost: Held[] = [];
  for (const held of open) {
    if (bindings.has(held.name)) continue;
    const isFree = ({ name }: Candidate) => !(neutral.has(held) && isUsed(name));
    const local = ofModule(held).filter(isFree);
    const sure = await findEqual(held, local, candidates, isFree);
    if (sure) {
      take(held, sure);
      continue;
    }
    if (held.tensor) continue; // a constant of the graph, not a weight
    // exporters rename a matrix only if they transpose it
    const turned = held.use?.op === "MatMul" ? local.filter(({ form }) => form === "transposed") : local;
    if (turned.length === 1 && held.use?.op !== "Conv" && !hasOrigin) take(held, turned[0]);
    else lost.push(held);
  }

  if (!hasOrigin) takeLastOfShape(lost, candidates, isUsed, take);
  for (const [held, name] of findIntegers(model, ends[0], (scale) => taken.get(scale)?.name)) {
    const one: Candidate = { name, form: String(names.get(name)!.shape) === String(held.shape) ? "same" : "reshaped" };
    // equal ones stay constants, which may be shapes or axes
    if (!((await agrees(held, one, ends[0])) && (await agrees(held, one, ends[1])))) take(held, one);
  }
  const left = [...names].flatMap(([name, { dtype }]) => (isFloating(dtype) && !isUsed(name) ? [name] : []));
  const shared = await findShared(left, taken, model, ends, (name, end) =>
    agrees(heldBy.get(name)!, taken.get(name)!, end),
  );
  const unused = left.filter((name) => !shared.equal.has(name));
  const shapes = [...names.values()].flatMap(({ dtype, shape }) => (isFloating(dtype) ? [shape] : []));
  const unusedShapes = unused.map((name) => names.get(name)!.shape);
  const constants: string[] = [];
  for (const held of lost.filter(({ name }) => !bindings.has(name)))
    if (isOwnConstant(held, neutral.has(held) ? [] : shapes, unusedShapes)) constants.push(held.name);
    else missing.push(`${held.name} [${held.shape}]`);
  const unbound = model.held.filter(({ name }) => !bindings.has(name));
  const hidden = missing.length ? [] : await foldedParameters(unbound, unused, ends, elements);
  const sizes = new Map(left.map((name) => [name, sizeOf(names.get(name)!.shape)]));
  // a fresh normalisation scales by less than what half precision can tell
  const isKnown = async (name: string) =>
    found.has(name) || (!roundingOf(heldBy.get(name)!.dtype) && (await isTaken(name)));
  if (unclear.length === 0)
    unclear.push(...(await suspectFolds(model, (name) => heldBy.get(name)?.shape, isKnown, sizes)));
  const used = [...new Set(model.held.flatMap((held) => uses.get(held.name) ?? []))];
  const dropped = await findDropped(used, unused, ends);
  return { bindings, missing, constants, hidden, dropped, shared, used, unused, folded: found.size > 0, unclear };
}

/** The tensor with a weight's elements; of several the one in the module that uses the weight. */
async function findEqual(
  held: Held,
  local: readonly Candidate[],
  { isTheirs, ofElements }: Candidates,
  isFree: (one: Candidate) => boolean,
): Promise<Candidate | undefined> {
  for (const one of local) if (await isTheirs(held, one)) return one;
  const equal = (await ofElements(held)).filter(isFree);
  return equal.length === 1 ? equal[0] : undefined;
}

/** Pairs the remaining weights and tensors that are the only ones of their shape on both sides. */
function takeLastOfShape(
  lost: readonly Held[],
  { ofForm }: Candidates,
  isUsed: (name: string) => boolean,
  take: (held: Held, one: Candidate) => void,
): void {
  const byForm = groupByForm(lost, ({ shape }) => shape);
  for (const held of lost) {
    const alike = byForm.get(formKey(held.shape))!;
    if (alike.some((other) => other !== held && formsOf(other.shape, held.shape).length) || held.use?.op === "Conv")
      continue;
    const left = ofForm(held, (name) => !isUsed(name));
    if (left.length === 1) take(held, left[0]);
  }
}
