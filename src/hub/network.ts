// A network as a folder's config describes it, whatever its kind: what reading weights, comparing two folders and measuring need to know of it.

import type { Value } from "../graph/index.ts";
import type { Grouping, Inputs, Parameter, Weights } from "../models/index.ts";

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
  /** Weights are [in, out], not [out, in]. */
  readonly isTransposed?: boolean;
  /** What the forward pass is built from, by readable names. Two networks whose settings differ are not the same. `longest` is the longest text. */
  settings(longest: number): ReadonlyMap<string, string>;
  /** Its sizes in words, the most telling first: `4 blocks`, `width 32`. */
  readonly sizes: readonly string[];
  /** Positions are angles, which the config describes. */
  readonly isRotated?: boolean;
  /** What it reads: windows of tokens, each of which predicts the next. */
  readonly input: TokensInput;
  /** Logits of the inputs: of `input_ids` [n, T] they are [n, T, vocabulary]. */
  forward(inputs: Inputs, weights: Weights): Value;
}

export interface TokensInput {
  readonly kind: "next token";
  readonly vocabulary: number;
  /** The longest text. */
  readonly context: number;
  /** Positions are learned, so that no longer text can be read. */
  readonly isBounded: boolean;
}
