// A network as a folder's config describes it, whatever its kind: what reading weights, comparing two folders and measuring need to know of it.
import type { Tensor } from "../core/index.ts";
import type { Declared } from "../data/index.ts";
import type { Value } from "../graph/index.ts";
import type { Grouping, Inputs, Parameter, Training, Weights } from "../models/index.ts";

export interface FolderNetwork {
  /** Every parameter, in the order of the model's state dict. A tied one stands under each of its names. */
  readonly parameters: readonly Parameter[];
  /** Groups of names that are one tensor; a file may hold it under any of them. */
  readonly ties: readonly (readonly string[])[];
  /** The ties as layers need them: the last name of a group gives its layer. Default: as they are. */
  tiedBy?(group: Grouping): readonly (readonly string[])[];
  /** The layer of a parameter where its name does not tell. */
  layerOf?(name: string, group: Grouping): string | undefined;
  /** The parameters that a tensor of a file may be, likeliest first: files lack the prefix of a task's model, or have an older name. */
  spellings(own: string): readonly string[];
  /** True for a tensor that files hold beside the network and that has no part in it: a pooler that the task does not use. */
  isUnused?(own: string): boolean;
  /** Weights are [in, out], not [out, in]. */
  readonly isTransposed?: boolean;
  /**
   * What the forward pass is built from, by readable names, without the number of labels. Two networks whose settings differ are not the same. `longest`
   * is the longest text.
   */
  settings(longest: number): ReadonlyMap<string, string>;
  /** Its sizes in words, the most telling first: `4 blocks`, `width 32`. */
  readonly sizes: readonly string[];
  /** Positions are angles, which the config describes. */
  readonly isRotated?: boolean;
  readonly input: NetworkInput;
  readonly task: NetworkTask;
  /** The parameters whose sizes follow from the number of labels. Where two ends differ in it, each keeps its own. */
  readonly heads?: readonly string[];
  /** What makes scores of a network that compares images with texts; without it {@link forward} gives none. */
  readonly completion?: Completion;
  /** Scores of the inputs [n, …]: [n, labels]; for each token [n, T, labels]. */
  forward(inputs: Inputs, weights: Weights, training?: Training): Value;
}

/** Texts that images are compared with: a vector each, of any length, and the logarithm of what the cosines are multiplied by. */
export interface TextHead {
  readonly texts: Tensor;
  readonly scale: Tensor;
}

export interface Completion {
  /** Elements of the vectors that images and texts become. */
  readonly dimension: number;
  withHead(head: TextHead): FolderNetwork;
  /** Tokens of the longest sentence, how many there are, and the network with sentences of one length; undefined without a text tower. */
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
  /** Positions are learned, so that no longer text can be read. */
  readonly isBounded: boolean;
}

/**
 * `input_ids`: windows of tokens, each of which predicts the next. An `attention_mask` may say that a window ends early; what follows has no part in what
 * comes before.
 */
export interface NextTokenInput extends Tokens {
  readonly kind: "next token";
}

/** Texts of one length each, or padded to it: `input_ids`, `attention_mask` with 1 for each token that is not padding, and `token_type_ids`. */
export interface TextInput extends Tokens {
  readonly kind: "text";
  /** Types of tokens, such as those of a first and a second sentence; 0 where the network has none. */
  readonly types: number;
}

/** `pixel_values`: images [channels, height, width]. */
export interface PixelInput {
  readonly kind: "pixels";
  readonly channels: number;
  /** Of the images that the network was trained on, and the only ones where positions are learned. */
  readonly height: number;
  readonly width: number;
}

/** What a network's scores are, and by which loss they are judged. */
export interface NetworkTask {
  /** Cross entropy of classes, binary cross entropy of labels that hold or not, each by itself, or the squared error of values. */
  readonly kind: "classes" | "labels" | "values";
  /** A label for each token, not for each sample. */
  readonly isByToken?: boolean;
  /** Scores of a sample, or of each token. */
  readonly count: number;
  /** The labels that have names, with their indices. */
  readonly names?: ReadonlyMap<string, number>;
  /** The config does not name the kind: labels that are rows of numbers make it `labels`, as in transformers. */
  readonly isOpen?: boolean;
}

/** The names that somebody gave to a network's labels; transformers calls the others LABEL_0, LABEL_1. */
export const givenNames = ({ names }: Pick<NetworkTask, "names">): string[] =>
  [...(names?.keys() ?? [])].filter((name) => !/^LABEL_\d+$/.test(name));

/** How labels are found by their names: as they are, or else whatever their case, unless two names then are one. None where no label was given a name. */
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

/** The longest text that a network reads; of one that reads none, 1. */
export const longestText = (input: NetworkInput): number => (input.kind === "pixels" ? 1 : input.context);

/** False where the scores are of a vocabulary. */
export const hasLabels = ({ input, task }: Pick<FolderNetwork, "input" | "task">): boolean =>
  input.kind === "pixels" || task.count !== input.vocabulary;

/** The arrays that a network reads; the first is the one that it needs. */
export function arraysOf(input: NetworkInput): Declared["inputs"] {
  if (input.kind === "pixels")
    return [{ name: "pixel_values", dtype: "float32", shape: ["batch", input.channels, undefined, undefined] }];
  const names = ["input_ids", "attention_mask"];
  if (input.kind === "text" && input.types) names.push("token_type_ids");
  return names.map((name) => ({ name, dtype: "int64", shape: ["batch", undefined] }));
}
