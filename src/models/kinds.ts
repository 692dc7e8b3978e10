// Kinds of tensors in a checkpoint, and how averaging treats each. Not everything in a state dict is a weight: the mean
// of two masks, positions or unit vectors is meaningless. The first row of the table that matches a tensor gives its
// kind; a tensor that matches no row is a weight.
import { type DType, isFloating, sizeOf } from "../core/index.ts";
import type { Parameter } from "./model.ts";

export interface Kind {
  readonly name:
    | "weight"
    | "statistic"
    | "quantiser"
    | "counter"
    | "ids"
    | "mask"
    | "vectors"
    | "computed"
    | "buffer"
    | "whole";
  /** Its kind as a parameter of a network. */
  readonly parameter: NonNullable<Parameter["kind"]>;
  /** What happens if two ends differ in it: averaged, kept from the base (with or without a note), or refused. */
  readonly differing: "average" | "keep" | "note" | "refuse";
  /** The plural, for messages. */
  readonly plural: string;
}

/** What the rows use to recognise a tensor. */
export interface KindTensor {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Its dtype in the other end; default: the same. */
  readonly other?: DType;
  /** Both ends have the same elements. */
  readonly isEqual?: boolean;
  /** The first elements contain an infinity. */
  readonly isInfinite?: boolean;
  /** Its use in a graph: the operation, and the index of the input. */
  readonly use?: { readonly op: string; readonly input: number };
}

interface Row extends Kind {
  /** `has` tests whether the file contains a name. */
  is(tensor: KindTensor, has: (name: string) => boolean): boolean;
}

/** The last component of a name, after a dot or a slash. */
const leafOf = (name: string) => /[^./]*$/.exec(name)![0];
const moduleOf = (name: string) => name.slice(0, name.length - leafOf(name).length);

const isWhole = ({ dtype, other = dtype }: KindTensor) => !isFloating(dtype) || !isFloating(other);
const isWholeInBoth = ({ dtype, other = dtype }: KindTensor) => !isFloating(dtype) && !isFloating(other);

/** Names of the scales of quantised weights: in GPTQ, AWQ, bitsandbytes, PyTorch, ONNX. */
const scales = ["scales", "scale", "qzeros", "zero_point", "zeros", "absmax", "quant_map", "SCB", "weight_scale"];

/** True for quantised weights: integers with a scale, which is another tensor of the module or of the weight. */
const isQuantised = ({ name }: KindTensor, has: (name: string) => boolean) =>
  /^q?weight(_packed)?$/.test(leafOf(name)) ||
  scales.some((scale) => has(moduleOf(name) + scale) || has(`${name}.${scale}`) || has(`${name}_${scale}`));

/** The shape of a causal mask for all samples and heads: GPT-2's `attn.bias`. */
const isSquare = ([one, heads, rows, columns, ...rest]: readonly number[]) =>
  one === 1 && heads === 1 && rows > 1 && rows === columns && rest.length === 0;

const isNamedMask = ({ name, shape }: Pick<KindTensor, "name" | "shape">) =>
  /(^|_)mask$|^masked_bias$|^IGNORE$/i.test(leafOf(name)) || (leafOf(name) === "bias" && isSquare(shape));

/** A mask of torch.nn.utils.prune: the file also contains the weight that it masks. */
const isPruningMask = ({ name }: KindTensor, has: (name: string) => boolean) =>
  name.endsWith("_mask") && has(name.replace(/mask$/, "orig"));

/** `weight_u` with `weight_orig`, a parametrisation's `0._u` with its `original`, BigGAN's `u0` with `sv0`. */
function isOfSpectralNorm({ name }: KindTensor, has: (name: string) => boolean): boolean {
  const [, weight] = /^(.*)_[uv]$/.exec(name) ?? [];
  if (weight && (has(`${weight}_orig`) || has(`${weight}_bar`))) return true;
  const [, parametrized] = /^(.*\bparametrizations\.[^.]+\.)\d+\._[uv]$/.exec(name) ?? [];
  if (parametrized) return has(`${parametrized}original`) || has(`${parametrized}original0`);
  const [, number] = /^(?:u|sv)(\d+)$/.exec(leafOf(name)) ?? [];
  return number !== undefined && ["weight", `u${number}`, `sv${number}`].every((leaf) => has(moduleOf(name) + leaf));
}

const ids = /^(position_ids|token_type_ids|relative_position_index|rel_pos_index|relative_position_bucket)$/;

/**
 * Buffers that a network computes from its sizes: rotary frequencies, coordinates within a window. Files may lack them,
 * or have them in another precision.
 */
const isComputedFromSizes = ({ name }: Pick<KindTensor, "name">) =>
  /^((original_)?inv_freq|freqs_cis|(cos|sin)_cached|relative_coords_table|relative_coordinates_log)$/.test(
    leafOf(name),
  ) || /(^|[./])rope[./]freqs$/.test(name);

/** Whether an ONNX operation takes a scale and a zero point after its values. */
export const isQuantising = (op: string): boolean => op === "QuantizeLinear" || op === "DequantizeLinear";

/**
 * Scales, zero points and observed ranges of simulated quantisation: PyTorch's `FakeQuantize` and observers, and the
 * inputs of ONNX's operations. A scale means something only with its zero point.
 */
function isOfQuantiser({ name, use }: KindTensor, has: (name: string) => boolean): boolean {
  if (use && isQuantising(use.op)) return use.input > 0;
  if (!/^(scale|zero_point|min_val|max_val|eps|fake_quant_enabled|observer_enabled)$/.test(leafOf(name))) return false;
  const hasBeside = (leaf: string) => has(moduleOf(name) + leaf);
  return hasBeside("zero_point") || hasBeside("fake_quant_enabled") || (hasBeside("min_val") && hasBeside("max_val"));
}

/** Counters stored as floats: the samples in a running mean, the updates of a moving average. */
const isFloatingCounter = ({ name, shape }: KindTensor) =>
  sizeOf(shape) === 1 &&
  /^(count|counter|n_averaged|num_(updates|steps|samples)|global_step|initted)$/.test(leafOf(name));

/**
 * True for running statistics with a variance beside them: PyTorch's `running_var`, Keras' `moving_variance`, flax's
 * `batch_stats/…/var`.
 */
function isStatistic({ name }: KindTensor, has: (name: string) => boolean): boolean {
  const [, stem, index] =
    /^(.*(?:^|[._/])(?:running|moving)_)(?:mean|var|variance)(:\d+)?$/.exec(name) ??
    /^((?:.*[./])?batch_stats[./](?:.*[./])?)(?:mean|var)(:\d+)?$/.exec(name) ??
    [];
  return stem !== undefined && ["var", "variance"].some((leaf) => has(stem + leaf + (index ?? "")));
}

const mask = { name: "mask", parameter: "kept", plural: "masks" } as const;

const rows: readonly Row[] = [
  {
    name: "quantiser",
    parameter: "kept",
    differing: "note",
    plural: "scales, zero points and ranges of quantisers",
    is: isOfQuantiser,
  },
  {
    // num_batches_tracked may be a float after an earlier average
    name: "counter",
    parameter: "counter",
    differing: "keep",
    plural: "counters",
    is: (t) => sizeOf(t.shape) === 1 && (isWhole(t) || leafOf(t.name) === "num_batches_tracked"),
  },
  { name: "counter", parameter: "kept", differing: "note", plural: "counters", is: isFloatingCounter },
  {
    name: "statistic",
    parameter: "statistic",
    differing: "average",
    plural: "running statistics",
    is: (t, has) => !isWhole(t) && isStatistic(t, has),
  },
  { ...mask, differing: "note", is: (t, has) => isPruningMask(t, has) },
  {
    ...mask,
    differing: "keep",
    is: (t) => t.isEqual === true && (t.isInfinite || isNamedMask(t)) === true,
  },
  {
    name: "vectors",
    parameter: "kept",
    differing: "note",
    plural: "power-iteration vectors of spectral norm",
    is: (t, has) => !isWhole(t) && isOfSpectralNorm(t, has),
  },
  {
    name: "computed",
    parameter: "kept",
    differing: "note",
    plural: "buffers that are computed from sizes",
    is: (t) => !isWhole(t) && isComputedFromSizes(t),
  },
  {
    // may be floats after an earlier merge that averaged them
    name: "ids",
    parameter: "kept",
    differing: "note",
    plural: "indices",
    is: (t, has) =>
      ids.test(leafOf(t.name)) ||
      (isWholeInBoth(t) && !isQuantised(t, has) && /_(ids|index|indices|indexes)$/.test(leafOf(t.name))),
  },
  {
    ...mask,
    differing: "note",
    is: (t, has) => isWholeInBoth(t) && !isQuantised(t, has) && (t.dtype === "bool" || isNamedMask(t)),
  },
  {
    // quantised weights never have 64 bits
    name: "buffer",
    parameter: "kept",
    differing: "note",
    plural: "whole-number buffers",
    is: (t, has) => isWholeInBoth(t) && !isQuantised(t, has) && /^u?int64$/.test(t.dtype),
  },
  { name: "whole", parameter: "weight", differing: "refuse", plural: "whole-number tensors", is: isWhole },
];

const weight: Kind = { name: "weight", parameter: "weight", differing: "average", plural: "weights" };

/** The kind of a tensor; `has` tests whether the file contains a name. */
export const kindOf = (tensor: KindTensor, has: (name: string) => boolean): Kind =>
  rows.find((row) => row.is(tensor, has)) ?? weight;

/**
 * True for a tensor whose name or first elements suggest a mask: it is one if it is equal in both ends, so it must be
 * compared. It may be an integer tensor in only one of them.
 */
export const mayBeMask = (tensor: KindTensor, has: (name: string) => boolean): boolean =>
  kindOf({ ...tensor, isEqual: true }, has).name === "mask" && ["weight", "whole"].includes(kindOf(tensor, has).name);

/**
 * True for a tensor that files of the same network may lack, or have in another size: a mask, or a buffer computed from
 * sizes.
 */
export const isOptional = (tensor: Pick<KindTensor, "name" | "shape">): boolean =>
  isNamedMask(tensor) || isComputedFromSizes(tensor);

/** True for tensors that are averaged; the others are kept from the base. */
export const isAveraged = ({ differing }: Kind): boolean => differing === "average";
