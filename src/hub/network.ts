// A network described by a folder's config, of any kind: what is needed to read weights, compare two folders, and
// measure.
import type { Tensor } from "../core/index.ts";
import type { Declared } from "../data/index.ts";
import type { Value } from "../graph/index.ts";
import type { Grouping, Inputs, Parameter, Training, Weights } from "../models/index.ts";

export interface FolderNetwork {
  /** Every parameter, in state-dict order. A tied parameter is listed under each of its names. */
  readonly parameters: readonly Parameter[];
  /** Groups of names of one tensor. A file may store it under any of them. */
  readonly ties: readonly (readonly string[])[];
  /** The ties, ordered so that the last name of each group gives its layer. Default: `ties`. */
  tiedBy?(group: Grouping): readonly (readonly string[])[];
  /** The layer of a parameter whose name does not give it. */
  layerOf?(name: string, group: Grouping): string | undefined;
  /**
   * The parameters that a tensor in a file may be, most likely first: files may lack the prefix of a task's model, or
   * use an older name.
   */
  spellings(own: string): readonly string[];
  /** True for a tensor in files that the network does not use, such as a pooler. */
  isUnused?(own: string): boolean;
  /** Weights are [in, out], not [out, in]. */
  readonly isTransposed?: boolean;
  /**
   * Every setting of the forward pass by a readable name, except the number of labels. Networks with different settings
   * are different networks. `longest` is the longest text.
   */
  settings(longest: number): ReadonlyMap<string, string>;
  /** Its sizes in words, the most important first: `4 blocks`, `width 32`. */
  readonly sizes: readonly string[];
  /** Positions are angles, which the config describes. */
  readonly isRotated?: boolean;
  readonly input: NetworkInput;
  readonly task: NetworkTask;
  /** The parameters whose sizes depend on the number of labels. If two ends differ in it, each keeps its own. */
  readonly heads?: readonly string[];
  /** What a network that compares images with texts needs for scores. While it is set, {@link forward} gives none. */
  readonly completion?: Completion;
  /** Scores of inputs [n, …]: [n, labels], or [n, T, labels] if every token has a label. */
  forward(inputs: Inputs, weights: Weights, training?: Training): Value;
}

/**
 * Texts that images are compared with: a vector for each, of any norm, and the logarithm of the factor of the cosines.
 */
export interface TextHead {
  readonly texts: Tensor;
  readonly scale: Tensor;
}

export interface Completion {
  /** Length of the vectors of images and texts. */
  readonly dimension: number;
  withHead(head: TextHead): FolderNetwork;
  /**
   * The longest sentence in tokens, the size of the vocabulary, and the network with sentences of one length; undefined
   * without a text tower.
   */
  readonly context?: number;
  readonly vocabulary?: number;
  withSentences?(sentences: readonly (readonly number[])[]): FolderNetwork;
}

/** What a network reads. */
export type NetworkInput = NextTokenInput | TextInput | PixelInput;

interface Tokens {
  readonly vocabulary: number;
  /** The longest text. */
  readonly context: number;
  /** Positions are learned, so longer texts cannot be read. */
  readonly isBounded: boolean;
}

/**
 * `input_ids`: windows of tokens; each token predicts the next. An `attention_mask` may end a window early; later
 * tokens do not affect earlier ones.
 */
export interface NextTokenInput extends Tokens {
  readonly kind: "next token";
}

/** Texts padded to one length: `input_ids`, `attention_mask` (0 for padding, else 1), and `token_type_ids`. */
export interface TextInput extends Tokens {
  readonly kind: "text";
  /** Number of token types (such as first and second sentence); 0 if the network has none. */
  readonly types: number;
}

/** `pixel_values`: images [channels, height, width]. */
export interface PixelInput {
  readonly kind: "pixels";
  readonly channels: number;
  /** Size of the images that the network was trained on; the only size allowed if positions are learned. */
  readonly height: number;
  readonly width: number;
}

/** What a network's scores mean, and their loss. */
export interface NetworkTask {
  /** Cross entropy of classes, binary cross entropy of independent yes-or-no labels, or squared error of values. */
  readonly kind: "classes" | "labels" | "values";
  /** A label for each token, not for each sample. */
  readonly isByToken?: boolean;
  /** Number of scores of a sample, or of each token. */
  readonly count: number;
  /** The labels that have names, with their indices. */
  readonly names?: ReadonlyMap<string, number>;
  /** The config does not name the kind. If labels are rows of numbers, it is `labels`, as in transformers. */
  readonly isOpen?: boolean;
}

/** A network's label names, without the placeholders LABEL_0, LABEL_1, … of transformers. */
export const givenNames = ({ names }: Pick<NetworkTask, "names">): string[] =>
  [...(names?.keys() ?? [])].filter((name) => !/^LABEL_\d+$/.test(name));

/**
 * How labels are found by name: by exact match, else ignoring case if that is unambiguous. Empty if no label has a
 * name.
 */
export function findByName(task: NetworkTask): {
  labelOf?: (name: string) => number | undefined;
  labelNames?: string[];
} {
  const { names = new Map<string, number>() } = task;
  if (givenNames(task).length === 0) return {};
  const plain = new Map([...names].map(([name, i]) => [name.toLowerCase(), i]));
  const isClear = plain.size === names.size;
  const labelOf = (name: string) => names.get(name) ?? (isClear ? plain.get(name.toLowerCase()) : undefined);
  return { labelOf, labelNames: [...names.keys()] };
}

/** The longest text that a network reads; 1 if it does not read text. */
export const longestText = (input: NetworkInput): number => (input.kind === "pixels" ? 1 : input.context);

/** False if the scores are those of a vocabulary. */
export const hasLabels = ({ input, task }: Pick<FolderNetwork, "input" | "task">): boolean =>
  input.kind === "pixels" || task.count !== input.vocabulary;

/** The arrays that a network reads. Only the first is required. */
export function arraysOf(input: NetworkInput): Declared["inputs"] {
  if (input.kind === "pixels")
    return [{ name: "pixel_values", dtype: "float32", shape: ["batch", input.channels, undefined, undefined] }];
  const names = ["input_ids", "attention_mask"];
  if (input.kind === "text" && input.types) names.push("token_type_ids");
  return names.map((name) => ({ name, dtype: "int64", shape: ["batch", undefined] }));
}
