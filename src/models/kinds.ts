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
    | "training"
    | "drawn"
    | "computed"
    | "buffer"
    | "unscaled"
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
  /** Floats that were eight bits, or their scale, which is not applied and differs between the ends. */
  readonly isUnscaled?: boolean;
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

/** Whether the module of `name` has all of `leaves`. */
const hasBeside = (has: (name: string) => boolean, name: string, ...leaves: readonly string[]): boolean =>
  leaves.every((leaf) => has(moduleOf(name) + leaf));

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
  return number !== undefined && hasBeside(has, name, "weight", `u${number}`, `sv${number}`);
}

const ids = /^(position_ids|token_type_ids|relative_position_index|rel_pos_index|relative_position_bucket)$/;

/**
 * Buffers that a network computes from its settings: rotary frequencies, coordinates within a window, mel filters, the
 * noise schedule of a diffusion. Files may lack them, or have them in another precision.
 */
const isComputed = ({ name }: Pick<KindTensor, "name">, has: (name: string) => boolean): boolean =>
  /^((original_)?inv_freq|freqs_cis|(cos|sin)_cached?|relative_coords_table|relative_coordinates_log)$/.test(
    leafOf(name),
  ) ||
  /^(mel_basis|hann_window)$/.test(leafOf(name)) ||
  /(^|[./])rope[./]freqs$/.test(name) ||
  isOfSchedule(name, has);

function isOfSchedule(name: string, has: (name: string) => boolean): boolean {
  const isNamed =
    /^(betas|(log_one_minus_|sqrt_(one_minus_|recip(m1)?_)?)?alphas_cumprod(_prev)?|posterior_\w+|lvlb_weights|logvar)$/;
  return isNamed.test(leafOf(name)) && hasBeside(has, name, "betas", "alphas_cumprod");
}

/** Whether an ONNX operation takes a scale and a zero point after its values. */
export const isQuantising = (op: string): boolean => op === "QuantizeLinear" || op === "DequantizeLinear";

/**
 * Scales, zero points and observed ranges of simulated quantisation: PyTorch's `FakeQuantize` and observers, and the
 * inputs of ONNX's operations. A scale means something only with its zero point.
 */
function isOfQuantiser({ name, use }: KindTensor, has: (name: string) => boolean): boolean {
  if (use && isQuantising(use.op)) return use.input > 0;
  if (!/^(scale|zero_point|min_val|max_val|eps|fake_quant_enabled|observer_enabled)$/.test(leafOf(name))) return false;
  return (
    hasBeside(has, name, "zero_point") ||
    hasBeside(has, name, "fake_quant_enabled") ||
    hasBeside(has, name, "min_val", "max_val")
  );
}

/**
 * Counters stored as floats: the samples in a running mean, the updates of a moving average; and fairseq's versions and
 * markers of a device, which are not even initialised.
 */
const isFloatingCounter = ({ name, shape }: KindTensor) =>
  sizeOf(shape) === 1 &&
  /^(count|counter|n_averaged|num_(updates|steps|samples)|global_step|_?(init(t?ed|ialized))|version|_float_tensor)$/.test(
    leafOf(name),
  );

/**
 * Constants that the initialisation draws: Glow's permutation and signs, Performer's random features, the start of an
 * orthogonal parametrisation. An average of two permutations is none.
 */
function isDrawn({ name }: KindTensor, has: (name: string) => boolean): boolean {
  const own = leafOf(name);
  if (own === "projection_matrix") return true;
  if (own === "p" || own === "sign_s") return hasBeside(has, name, "p", "sign_s", "log_s");
  if (own === "w_p" || own === "s_sign") return hasBeside(has, name, "w_p", "s_sign", "w_s");
  const [, parametrized] = /^(.*\bparametrizations\.[^.]+\.)\d+\.base$/.exec(name) ?? [];
  return parametrized !== undefined && has(`${parametrized}original`);
}

/** An object that a module stores with its weights, as bytes: Transformer Engine's scales of FP8. */
const isStored = ({ name }: KindTensor) => leafOf(name) === "_extra_state";

/** The tables of CompressAI's entropy coder, which `update()` fills from the weights. */
const isOfCoder = ({ name }: KindTensor, has: (name: string) => boolean): boolean => {
  const tables = ["_offset", "_quantized_cdf", "_cdf_length"];
  return tables.includes(leafOf(name)) && hasBeside(has, name, ...tables);
};

/** A name whose last component matches. */
const leaf = (pattern: string) => new RegExp(`^(?<in>|.*[./])(?:${pattern})$`);
const inModule = (...leaves: readonly string[]) => leaves.map((one) => `$<in>${one}`);

const codebookCounts = ["cluster_size", "ema_cluster_size", "cluster_size_ema", "cluster_usage", "ema_count", "N"];
const codebookSums = [
  ...["ema_w", "ema_dw", "ema_weight", "z_avg"],
  ...["embed_avg", "embed_ema", "embed_sum", "embedding_avg", "embedding_sum"],
];
const orPrivate = (leaves: readonly string[]) => leaves.flatMap((one) => [one, `_${one}`]);

/**
 * Buffers that training updates without a gradient: names, and those of which one must be in the file too, since a
 * weight may have such a name. A mean of two queues is no queue of features, and sums and counts only have a meaning
 * together.
 */
const trainingBuffers: readonly (readonly [name: RegExp, ...beside: readonly string[]])[] = [
  // queues and memory banks, with the place of their next entry: MoCo, NNCLR, PiCO; ALBEF and BLIP; lightly
  [
    leaf("[^./]*(?:queue|bank|memory)[^./]*"),
    "$&_ptr",
    ...inModule(
      "queue_ptr",
      "ptr_queue",
      "queue_index",
      "queue_idx",
      "bank_ptr",
      "memory_ptr",
      "memory_bank_ptr",
      "ptr",
    ),
  ],
  // SwAV's queue; InstDisc, CMC and CRD; CrossBatchMemory
  [leaf("queue"), ...inModule("prototypes.weight", "prototypes.weight_v")],
  [leaf("memory(?:_v\\d|_bank)?"), ...inModule("params")],
  [leaf("params"), ...inModule("memory", "memory_v1", "memory_bank")],
  [leaf("embedding_memory"), ...inModule("label_memory")],
  // moving sums and counts of a codebook: VQ-VAE, vector-quantize-pytorch, EnCodec, Mimi, RQ-VAE, VideoGPT; Sonnet
  [leaf(`_?(?:${codebookSums.join("|")})`), ...inModule(...orPrivate(codebookCounts))],
  [leaf(`_?(?:${codebookCounts.join("|")})`), ...inModule(...orPrivate(codebookSums))],
  [leaf("cluster_size"), ...inModule("embed", "embedding", "codebook", "embedding.weight", "codebook.weight")],
  [/^(?<in>|.*[./])ema_dw(?<leaf>[./](?:hidden|average))$/, "$<in>ema_cluster_size$<leaf>"],
  [/^(?<in>|.*[./])ema_cluster_size(?<leaf>[./](?:hidden|average))$/, "$<in>ema_dw$<leaf>"],
  // the centre of a teacher's scores: vit-pytorch's DINO (others are recognised by their loss, see isOfTraining)
  [leaf("teacher_centers"), ...inModule("last_teacher_centers")],
  [leaf("last_teacher_centers"), ...inModule("teacher_centers")],
  // moments as sums: MAPPO's ValueNorm and PopArt, Brax, TorchRL's VecNorm
  [leaf("(?:running_)?mean(?:_sq)?|stddev"), ...inModule("debiasing_term")],
  [leaf("debiasing_term"), ...inModule("mean_sq", "running_mean_sq")],
  [leaf("summed_variance"), ...inModule("count")],
  [leaf("(?<of>[^./]+)_sum"), "$<in>$<of>_ssq"],
  [leaf("(?<of>[^./]+)_ssq"), "$<in>$<of>_sum"],
  // ranges of training in eight bits: Keras, flax
  [leaf("(?<of>[^./]+)_amax_history"), "$<in>$<of>_scale"],
  [leaf("(?<of>[^./]+)_scale"), "$<in>$<of>_amax_history"],
];

/** The centre of a teacher's scores, which only the loss uses: DINO, iBOT. A list of centres may be trained. */
const isOfLoss = (name: string) =>
  /(?:^|[./])(?:\w*_)?(?:loss(?:es)?|criterion)(?:_\w*)?[./](?:.*[./])?center(?:\d|_grid)?$/i.test(name);

/** True for queues, centres, and sums of moving averages. */
const isOfTraining = ({ name }: Pick<KindTensor, "name">, has: (name: string) => boolean): boolean =>
  isOfLoss(name) ||
  trainingBuffers.some(([own, ...beside]) => own.test(name) && beside.some((one) => has(name.replace(own, one))));

/**
 * True for running statistics with a variance beside them: PyTorch's `running_var`, Keras' `moving_variance`, flax's
 * `batch_stats/…/var`, and those of a normaliser that counts its samples, such as `obs_rms.var` with `obs_rms.count`.
 */
function isStatistic({ name }: KindTensor, has: (name: string) => boolean): boolean {
  const [, module, mark] = /^(.*[./])(_?)(?:mean|var|std)$/.exec(name) ?? [];
  if (module !== undefined && has(`${module}count`) && ["mean", "var"].every((one) => has(module + mark + one)))
    return true;
  const [, stem, index] =
    /^(.*(?:^|[._/])(?:running|moving)_)(?:mean|var|variance)(:\d+)?$/.exec(name) ??
    /^((?:.*[./])?batch_stats[./](?:.*[./])?)(?:mean|var)(:\d+)?$/.exec(name) ??
    [];
  return stem !== undefined && ["var", "variance"].some((leaf) => has(stem + leaf + (index ?? "")));
}

const mask = { name: "mask", parameter: "kept", plural: "masks" } as const;

const rows: readonly Row[] = [
  {
    name: "unscaled",
    parameter: "weight",
    differing: "refuse",
    plural: "weights that were converted from eight bits without applying their scales",
    is: (t) => t.isUnscaled === true,
  },
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
    name: "training",
    parameter: "kept",
    differing: "note",
    plural: "queues, centres and sums that training updates",
    is: (t, has) => !isWhole(t) && isOfTraining(t, has),
  },
  {
    name: "drawn",
    parameter: "kept",
    differing: "note",
    plural: "constants that the initialisation draws",
    is: (t, has) => !isWhole(t) && isDrawn(t, has),
  },
  {
    name: "computed",
    parameter: "kept",
    differing: "note",
    plural: "buffers that are computed from settings",
    is: (t, has) => !isWhole(t) && isComputed(t, has),
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
    is: (t, has) =>
      isWholeInBoth(t) && !isQuantised(t, has) && (/^u?int64$/.test(t.dtype) || isStored(t) || isOfCoder(t, has)),
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
 * True for a tensor that files of the same network may lack, or have in another size: a mask, a buffer computed from
 * settings, or one that training updates.
 */
export const isOptional = (tensor: Pick<KindTensor, "name" | "shape">, has: (name: string) => boolean): boolean =>
  isNamedMask(tensor) || isComputed(tensor, has) || isOfTraining(tensor, has);

/**
 * True for a tensor whose size may differ between files of one network: what a file may lack, stored objects, and
 * integers that are no quantised weights, such as positions and tables.
 */
export const hasFreeSize = (tensor: KindTensor, has: (name: string) => boolean): boolean =>
  isOptional(tensor, has) ||
  isStored(tensor) ||
  (isWhole(tensor) && !isQuantised(tensor, has) && !/^u?int8$/.test(tensor.dtype));

/** True for tensors that are averaged; the others are kept from the base. */
export const isAveraged = ({ differing }: Kind): boolean => differing === "average";
