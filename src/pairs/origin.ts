// The interface of an origin, which is where a pair comes from: a built-in network, two ONNX graphs, one graph with two
// state dicts, or Hugging Face folders. Each origin is one file.
import type { Checkpoint, OpenOptions } from "../checkpoints/index.ts";
import type { BatchShape, DataOptions, Dataset, Declared, OtherAxis } from "../data/index.ts";
import type { Kinds } from "../distance/index.ts";
import type { Graph } from "../graph/index.ts";
import type { Grouping, Inputs, Layer, Model } from "../models/index.ts";
import type { RuntimeOptions } from "../runtime/index.ts";
import type { End } from "./end.ts";

/** The network of two checkpoints. */
export interface ModelSpec {
  /** A built-in network, or the path of an ONNX graph; undefined if both ends are ONNX files. */
  readonly name?: string;
  /** Sizes from the user; the others are read from the checkpoint. */
  readonly sizes?: Partial<Record<string, number>>;
  /** For networks that compare images with texts: a file with the text embeddings. */
  readonly head?: string;
  /** For the same networks: a text file with a sentence for each class. */
  readonly classes?: string;
}

/** The kinds of loss: what `--task` chooses. */
export const tasks = ["classify", "tokens", "segment", "regress"] as const;
/** The kind of loss. */
export type Task = (typeof tasks)[number];

/** The dictionaries that hold the network, of a and of b. */
export type Keys = Partial<Record<"a" | "b", string>>;

/** Names two ends and their network. */
export interface EndsRequest {
  /** Paths of the two checkpoints. */
  readonly a: string;
  readonly b: string;
  /** The keys of the state dicts, for files with several; see OpenOptions. */
  readonly keys?: Keys;
  readonly model: ModelSpec;
  readonly group?: Grouping;
  readonly allowNonfinite?: boolean;
}

/** The ends, and the samples to measure them on. */
export interface PairRequest extends EndsRequest {
  readonly data: DataOptions & { readonly name: string };
  readonly task?: Task;
  /** The output of an ONNX graph with the scores. */
  readonly output?: string;
  readonly batch?: number;
  readonly runtime?: RuntimeOptions;
}

export interface Pair extends Omit<Ends, "fit" | "context" | "declared" | "readData"> {
  readonly model: Model;
  readonly data: Dataset;
  /**
   * Number of samples evaluated together. A shorter last chunk is filled with its last sample, unless the samples of a
   * batch affect each other.
   */
  readonly batch: number;
  /** The fixed batch size of the network's inputs; undefined if it is free. */
  readonly fixedBatch?: number;
  /** Whether a sample has the same scores in every batch; undefined where nobody has tried. */
  readonly areIndependent?: boolean;
  /** A note on why samples affect each other, for the result unless they turn out not to. */
  readonly dependenceNote?: string;
  /** The network predicts the next token of a text, so the exponential of its mean loss is the perplexity. */
  readonly isLanguage?: boolean;
  /** The data's inputs under the network's names and in its dtypes. */
  inputs(graph: Graph, shape: BatchShape): Inputs;
  /** Fits the network to the same samples in chunks of another size. */
  fitBatch(size: number): Promise<Fitted>;
  /** The graph's free axes that may be its batch instead of the first, each with the samples fitted along it. */
  readonly otherAxes: readonly (OtherAxis & { fitAlong(batch: number): Promise<Fitted> })[];
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** What fitting the samples adds to the ends. */
export type Fitted = Pick<
  Pair,
  "model" | "data" | "batch" | "fixedBatch" | "areIndependent" | "dependenceNote" | "isLanguage" | "notes" | "inputs"
> & {
  /** Facts about the samples and the network, for the result. */
  readonly facts?: Pair["facts"];
};

export interface Origin<File extends Checkpoint = Checkpoint> {
  /** Opens the file of an end. Default: opens a checkpoint of any format. */
  openFile?(path: string, options: OpenOptions): Promise<File>;
  /** Checks two files against each other and against the network. Throws {@link UserError} if they do not fit. */
  open(files: readonly [File, File], request: EndsRequest): Promise<Ends>;
}

/** Two ends of one network, without samples. */
export interface Ends {
  readonly a: End;
  readonly b: End;
  readonly layers: readonly Layer[];
  readonly parameters: Model["parameters"];
  /** Groups of names of one tensor. */
  readonly tied: Model["tied"];
  readonly notes: readonly string[];
  /** The kinds of the tensors of both ends, by the names in a. */
  readonly kinds: Kinds;
  /** Facts about the model for the result, in addition to its sizes. */
  readonly facts: Readonly<Record<string, string>>;
  /** No batch normalisation can be recalibrated: all are folded into convolutions, or use batch statistics anyway. */
  readonly cannotRecalibrate?: boolean;
  /**
   * The order of the layers comes from the graph, and may change with another export, so results must be stored by
   * layer names.
   */
  readonly isOrderOfGraph?: boolean;
  /** The declared inputs of the graph, which determine the layout of arrays. */
  readonly declared?: Declared;
  /** Number of tokens of a sample, if the network fixes it. */
  readonly context?: number;
  /** Opens samples in a way that depends on the ends. Default: opens a data set by name. */
  readData?(name: string, options: DataOptions): Promise<Dataset>;
  /** Fits the network to samples. Throws {@link UserError} if they do not fit. */
  fit(data: Dataset, request: PairRequest): Promise<Fitted>;
  /** For state dicts: both files under common names. */
  readonly files?: readonly [Checkpoint, Checkpoint];
  /** Opens another checkpoint with the same names as a's file. Its values may be anything. */
  openEnd(file: Checkpoint): Promise<End>;
}
