// Exporters fold a batch normalisation into the convolution or matrix product before it: W' = W g / sqrt(v + e), b' =
// (b - m) g / sqrt(v + e) + beta. The average of folded weights is not the folded average, so a folded weight is traced
// back to its parameters. In a new network all normalisations of one width are equal: then the order of the state dict
// decides, or the graph is refused.
import { type DType, sizeOf } from "../../core/index.ts";
import { add, div, type ForeignModel, type Held, mul, neg, reshape, sqrt, sub } from "../../graph/index.ts";
import { moduleOf, type Weights } from "../../models/index.ts";
import { type Binding, roundingOf, type StateDict } from "./candidates.ts";
import type { Elements } from "./elements.ts";

/** Usual epsilons: of PyTorch, of Keras. */
const epsilons = [1e-5, 1e-3];

export interface Unfolded {
  readonly binding: Binding;
  /** The tensors of the state dict that it uses, with all those of the normalisation. */
  readonly names: readonly string[];
}

/** A fold: the convolution's weight, and the normalisation's module and epsilon. */
interface Fold {
  readonly weight: string;
  readonly norm: string;
  readonly epsilon: number;
}

/** The shape of a weight as [groups, inputs, outputs of a group, rest]; a channel is an output of a group. */
type View = readonly [number, number, number, number];

export interface UnfoldOptions {
  readonly ends: readonly [StateDict, StateDict];
  readonly elements: Elements;
  /** The floating weight with that name; undefined if there is none. */
  heldOf(held: string): Held | undefined;
  /** True for a weight that an end contains unchanged. */
  isPlain(held: string): Promise<boolean>;
  /** The tensors of the state dict that a weight's name and use suggest. */
  hintsOf(held: string): readonly string[];
  /** True for a tensor of the state dict that the graph uses unchanged. */
  isUsed(name: string): boolean;
}

/**
 * Unfolds the weights and biases that contain a normalisation; `unclear` gives the reason for those that cannot be
 * unfolded.
 */
export async function unfoldAll({ nodes }: ForeignModel, options: UnfoldOptions) {
  const { ends, heldOf, isPlain } = options;
  const folds = new Map<string, Fold>();
  const found = new Map<string, Unfolded>();
  const unclear: string[] = [];
  if (![...ends[0].tensors.keys()].some((name) => name.endsWith("running_var"))) return { found, unclear };
  for (const node of nodes) {
    const [, weight] = node.input;
    const held = heldOf(weight);
    const view = held && viewOf(node, held.shape);
    if (!view || folds.has(weight) || (await isPlain(weight))) continue;
    const fits = await foldsThatFit(held, view, options);
    const fold = choose(fits, [...folds.values()], weight, options);
    if (fold) {
      folds.set(weight, fold);
      found.set(weight, unfoldWeight(fold, held.shape, view));
    } else if (fits.length) {
      const norms = new Set(fits.map(({ norm }) => norm));
      unclear.push(`${[...norms].slice(0, 3).join(" or ")} may be folded into ${weight}`);
    }
  }
  for (const { input } of nodes) {
    const [, weight, bias] = input;
    const fold = folds.get(weight);
    if (!fold) continue;
    const held = bias ? heldOf(bias) : undefined;
    // exporters write equal biases once
    const isOthers = nodes.some((node) => node.input.includes(bias) && !isSame(folds.get(node.input[1]), fold));
    const unfolded = held && !isOthers ? await unfoldBias(fold, held, options) : undefined;
    if (unfolded) found.set(bias, unfolded);
    else unclear.push(`${fold.norm} is folded into ${weight}, but not into a separate bias`);
  }
  return { found, unclear };
}

type Node = ForeignModel["nodes"][number];

/** The view of a weight that a normalisation may be folded into. */
function viewOf({ opType, attribute }: Node, shape: readonly number[]): View | undefined {
  const whole = (name: string) => Number(attribute.find((one) => one.name === name)?.i ?? 0);
  const [first, second] = shape;
  if (opType === "Conv" || (opType === "Gemm" && whole("transB"))) return [1, 1, first, sizeOf(shape.slice(1))];
  if (opType === "Gemm") return [1, first, second, 1];
  const groups = whole("group") || 1;
  return opType === "ConvTranspose" ? [groups, first / groups, second, sizeOf(shape.slice(2))] : undefined;
}

const channelsOf = ([groups, , outputs]: View) => groups * outputs;

/**
 * Weights that match neither end while a normalisation with the same channels is unused: it seems to be folded into
 * them, possibly in a third network. `isTheirs`: whether a weight has the elements of an end; `unused`: sizes of the
 * unused tensors.
 */
export async function suspectFolds(
  { nodes }: ForeignModel,
  shapeOf: (held: string) => readonly number[] | undefined,
  isTheirs: (held: string) => Promise<boolean>,
  unused: ReadonlyMap<string, number>,
): Promise<string[]> {
  const kept = new Set(nodes.filter(({ opType }) => opType === "BatchNormalization").map(({ input }) => input[0]));
  const statistics = [...unused].filter(([name]) => /running_(mean|var)$/.test(name));
  const suspected: string[] = [];
  for (const node of nodes) {
    const shape = shapeOf(node.input[1]);
    const view = shape && viewOf(node, shape);
    const [left] = view ? (statistics.find(([, size]) => size === channelsOf(view)) ?? []) : [];
    if (!left || kept.has(node.output[0])) continue;
    for (const name of node.input.slice(1, 3)) {
      if (!shapeOf(name) || (await isTheirs(name))) continue;
      suspected.push(`${left} is not used, and ${name} does not match either end`);
      break;
    }
  }
  return suspected;
}

const isSame = (one: Fold | undefined, { weight, norm }: Fold) => one?.weight === weight && one.norm === norm;

const partsOf = (norm: string) => ["weight", "bias", "running_mean", "running_var"].map((part) => `${norm}.${part}`);

/** Every fold that reproduces the elements from one of the ends. */
async function foldsThatFit(held: Held, view: View, { ends, elements }: UnfoldOptions): Promise<Fold[]> {
  const [, inputs, outputs, rest] = view;
  const channelAt = (i: number) =>
    Math.floor(i / (inputs * outputs * rest)) * outputs + (Math.floor(i / rest) % outputs);
  const own = await elements.ofGraph(held);
  if (!own) return [];
  const { tensors } = ends[0];
  const isPart = (name: string) => sizeOf(tensors.get(name)?.shape ?? [0]) === channelsOf(view);
  const norms = [...tensors.keys()]
    .filter((name) => name.endsWith("running_var"))
    .map(moduleOf)
    .filter((norm) => partsOf(norm).every(isPart));
  const weights = [...tensors].flatMap(([name, { shape }]) => (String(shape) === String(held.shape) ? [name] : []));
  const nearOwn = nearTo(own, held.dtype);
  const fits = async (weight: string, norm: string, epsilon: number) => {
    for (const end of ends) {
      const [values, scale] = [await elements.of(end, weight), await scaleOf(elements, end, norm, epsilon)];
      if (nearOwn((i) => values[i] * scale[channelAt(i)])) return true;
    }
    return false;
  };
  const folds: Fold[] = [];
  for (const norm of norms)
    for (const weight of weights)
      for (const epsilon of epsilons)
        if (await fits(weight, norm, epsilon)) {
          folds.push({ weight, norm, epsilon });
          break;
        }
  return folds;
}

/**
 * Chooses the fold that fits. Of several with the same weight, the one whose normalisation follows the weight in the
 * state dict, and is not used or folded elsewhere.
 */
function choose(
  fits: readonly Fold[],
  before: readonly Fold[],
  held: string,
  { ends, hintsOf, isUsed }: UnfoldOptions,
): Fold | undefined {
  const hints = hintsOf(held);
  const hinted = fits.filter(({ weight }) => hints.includes(weight));
  const likely = hinted.length ? hinted : fits;
  if (likely.length < 2) return likely[0];
  const names = [...ends[0].tensors.keys()];
  const at = new Map(names.map((name, i) => [name, i]));
  // modules define the weight before the bias, so a file with the bias first is sorted by name, and its order says
  // nothing
  const isSorted = likely.some(({ norm }) => at.get(`${norm}.bias`)! < at.get(`${norm}.weight`)!);
  const [{ weight }] = likely;
  if (isSorted || likely.some((one) => one.weight !== weight) || before.some((one) => one.weight === weight))
    return undefined;
  const place = ({ norm }: Fold) => at.get(`${norm}.weight`)!;
  return likely
    .filter((fold) => place(fold) > at.get(weight)!)
    .filter(({ norm }) => !isUsed(`${norm}.running_var`) && !before.some((other) => other.norm === norm))
    .sort((x, y) => place(x) - place(y))[0];
}

function unfoldWeight({ weight, norm, epsilon }: Fold, shape: readonly number[], view: View): Unfolded {
  const [groups, , outputs] = view;
  return {
    binding: (weights) => {
      const scale = reshape(scaling(weights, norm, epsilon), [groups, 1, outputs, 1]);
      return reshape(mul(reshape(weights(weight), view), scale), shape);
    },
    names: [weight, ...partsOf(norm)],
  };
}

async function unfoldBias(
  { weight, norm, epsilon }: Fold,
  held: Held,
  { ends, elements }: UnfoldOptions,
): Promise<Unfolded | undefined> {
  const [, beta, centre] = partsOf(norm);
  const name = `${moduleOf(weight)}.bias`; // the convolution's
  const hasOne = ends[0].tensors.has(name);
  const own = await elements.ofGraph(held);
  let isFolded = false;
  for (const end of own ? ends : []) {
    const [shift, mean] = [await elements.of(end, beta), await elements.of(end, centre)];
    const scale = await scaleOf(elements, end, norm, epsilon);
    const before = hasOne ? await elements.of(end, name) : undefined;
    const folded = (c: number) => shift[c] + ((before?.[c] ?? 0) - mean[c]) * scale[c];
    isFolded ||= own!.length === scale.length && nearTo(own!, held.dtype)(folded);
  }
  if (!isFolded) return undefined;
  return {
    binding: (weights) => {
      const shifted = hasOne ? sub(weights(name), weights(centre)) : neg(weights(centre));
      return add(mul(shifted, scaling(weights, norm, epsilon)), weights(beta));
    },
    names: hasOne ? [name, ...partsOf(norm)] : partsOf(norm),
  };
}

async function scaleOf(elements: Elements, end: StateDict, norm: string, epsilon: number): Promise<number[]> {
  const variance = await elements.of(end, `${norm}.running_var`);
  return Array.from(await elements.of(end, `${norm}.weight`), (g, c) => g / Math.sqrt(variance[c] + epsilon));
}

const scaling = (weights: Weights, norm: string, epsilon: number) =>
  div(weights(`${norm}.weight`), sqrt(add(weights(`${norm}.running_var`), epsilon)));

/** Tests whether values equal a tensor's elements, up to the rounding of the export. */
function nearTo(x: ArrayLike<number>, dtype: DType): (wanted: (i: number) => number) => boolean {
  let largest = 0;
  for (let i = 0; i < x.length; i++) largest = Math.max(largest, Math.abs(x[i]));
  const most = (1e-5 + 4 * roundingOf(dtype)) * largest; // some exporters fold in half precision
  return (wanted) => {
    for (let i = 0; i < x.length; i++) if (!(Math.abs(x[i] - wanted(i)) <= most)) return false;
    return true;
  };
}
