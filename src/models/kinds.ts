// Kinds of tensors in a checkpoint, and what averaging two networks does with each. Not everything in a state dict is a weight: half of a mask, of a
// position or of a unit vector means nothing. The first row of the table that recognises a tensor gives its kind; what no row recognises is a weight.
import { type DType, isFloating, sizeOf } from "../core/index.ts";
import type { Parameter } from "./model.ts";

export interface Kind {
  readonly name: "weight" | "statistic" | "counter" | "ids" | "mask" | "vectors" | "computed" | "buffer" | "whole";
  /** What it is to a network that is evaluated. */
  readonly parameter: NonNullable<Parameter["kind"]>;
  /** Where two ends differ in it: averaged, kept from the base with or without a note, or refused. */
  readonly differing: "average" | "keep" | "note" | "refuse";
  /** Several of them, as a sentence calls them. */
  readonly plural: string;
}

/** A tensor as the rows see it. */
export interface KindTensor {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Its dtype in the other end; default the same. */
  readonly other?: DType;
  /** Both ends have the same elements. */
  readonly isEqual?: boolean;
  /** The first elements hold an infinity. */
  readonly isInfinite?: boolean;
}

interface Row extends Kind {
  /** `has` knows the names of the file. */
  is(tensor: KindTensor, has: (name: string) => boolean): boolean;
}

/** The last component of a name, which frameworks set off by a dot or a slash. */
const leafOf = (name: string) => /[^./]*$/.exec(name)![0];
const moduleOf = (name: string) => name.slice(0, name.length - leafOf(name).length);

const isWhole = ({ dtype, other = dtype }: KindTensor) => !isFloating(dtype) || !isFloating(other);
const isWholeInBoth = ({ dtype, other = dtype }: KindTensor) => !isFloating(dtype) && !isFloating(other);

/** What quantised weights are scaled by, beside them: GPTQ, AWQ, bitsandbytes, PyTorch, ONNX. */
const scales = ["scales", "scale", "qzeros", "zero_point", "zeros", "absmax", "quant_map", "SCB", "weight_scale"];

/** Whole numbers that stand for others by a scale, which another tensor of the module or of the weight has. */
const isQuantised = ({ name }: KindTensor, has: (name: string) => boolean) =>
  /^q?weight(_packed)?$/.test(leafOf(name)) ||
  scales.some((scale) => has(moduleOf(name) + scale) || has(`${name}.${scale}`) || has(`${name}_${scale}`));

/** One causal mask for all samples and heads: GPT-2's `attn.bias`. */
const isSquare = ([one, heads, rows, columns, ...rest]: readonly number[]) =>
  one === 1 && heads === 1 && rows > 1 && rows === columns && rest.length === 0;

const isNamedMask = ({ name, shape }: Pick<KindTensor, "name" | "shape">) =>
  /(^|_)mask$|^masked_bias$|^IGNORE$/i.test(leafOf(name)) || (leafOf(name) === "bias" && isSquare(shape));

/** The mask of torch.nn.utils.prune, beside what it masks. */
const isPruningMask = ({ name }: KindTensor, has: (name: string) => boolean) =>
  name.endsWith("_mask") && has(name.replace(/mask$/, "orig"));

/** `weight_u` beside `weight_orig`, a parametrisation's `0._u` beside its `original`, BigGAN's `u0` beside `sv0`. */
function isOfSpectralNorm({ name }: KindTensor, has: (name: string) => boolean): boolean {
  const [, weight] = /^(.*)_[uv]$/.exec(name) ?? [];
  if (weight && (has(`${weight}_orig`) || has(`${weight}_bar`))) return true;
  const [, parametrized] = /^(.*\bparametrizations\.[^.]+\.)\d+\._[uv]$/.exec(name) ?? [];
  if (parametrized) return has(`${parametrized}original`) || has(`${parametrized}original0`);
  const [, number] = /^(?:u|sv)(\d+)$/.exec(leafOf(name)) ?? [];
  return number !== undefined && ["weight", `u${number}`, `sv${number}`].every((leaf) => has(moduleOf(name) + leaf));
}

const ids = /^(position_ids|token_type_ids|relative_position_index|rel_pos_index|relative_position_bucket)$/;

/** What a network computes from its sizes: the frequencies of rotary embeddings, the coordinates within a window. Files may lack it, or have it in another precision. */
const isComputedFromSizes = ({ name }: Pick<KindTensor, "name">) =>
  /^((original_)?inv_freq|freqs_cis|(cos|sin)_cached|relative_coords_table|relative_coordinates_log)$/.test(
    leafOf(name),
  ) || /(^|[./])rope[./]freqs$/.test(name);

/** What only counts, as a float: the samples that a running mean has seen, the updates of a moving average. */
const isFloatingCounter = ({ name, shape }: KindTensor) =>
  sizeOf(shape) === 1 &&
  /^(count|counter|n_averaged|num_(updates|steps|samples)|global_step|initted)$/.test(leafOf(name));

const mask = { name: "mask", parameter: "kept", plural: "masks" } as const;

const rows: readonly Row[] = [
  {
    // the batches that a normalisation has seen, which an earlier average may have made a float
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
    is: (t, has) =>
      /(^|_)running_(mean|var)$/.test(leafOf(t.name)) && !isWhole(t) && has(t.name.replace(/(mean|var)$/, "var")),
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
    // an earlier merge may have averaged them, and left them floats
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
    // no one quantises to 64 bits
    name: "buffer",
    parameter: "kept",
    differing: "note",
    plural: "whole-number buffers",
    is: (t, has) => isWholeInBoth(t) && !isQuantised(t, has) && /^u?int64$/.test(t.dtype),
  },
  { name: "whole", parameter: "weight", differing: "refuse", plural: "whole-number tensors", is: isWhole },
];

const weight: Kind = { name: "weight", parameter: "weight", differing: "average", plural: "weights" };

/** The kind of a tensor; `has` knows the names beside it. */
export const kindOf = (tensor: KindTensor, has: (name: string) => boolean): Kind =>
  rows.find((row) => row.is(tensor, has)) ?? weight;

/** True for what is a mask if both ends have it the same, so that it is worth comparing: by its name or its first elements. It may be whole numbers in one of them only. */
export const mayBeMask = (tensor: KindTensor, has: (name: string) => boolean): boolean =>
  kindOf({ ...tensor, isEqual: true }, has).name === "mask" && ["weight", "whole"].includes(kindOf(tensor, has).name);

/** True for what a file may have that another one of the same network lacks, or has in another size, by its name: a mask, and what is computed from sizes. */
export const isLeftOutAtWill = (tensor: Pick<KindTensor, "name" | "shape">): boolean =>
  isNamedMask(tensor) || isComputedFromSizes(tensor);

/** True for what an averaged layer is made of; the rest is kept from the base. */
export const isAveraged = ({ differing }: Kind): boolean => differing === "average";
