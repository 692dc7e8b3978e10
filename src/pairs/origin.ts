// Where a pair comes from: a built-in network, two ONNX graphs, or one graph with two state dicts. One file each, one object of this contract.
import type { Checkpoint, OpenOptions } from "../checkpoints/index.ts";
import type { BatchShape, DataOptions, Dataset, Declared } from "../data/index.ts";
import type { Kinds } from "../distance/index.ts";
import type { Graph } from "../graph/index.ts";
import type { Grouping, Inputs, Layer, Model } from "../models/index.ts";
import type { RuntimeOptions } from "../runtime/index.ts";
import type { End } from "./end.ts";

/** The network of two checkpoints. */
export interface ModelSpec {
  /** A built-in network, or the path of an ONNX graph; left out when both ends are ONNX files. */
  readonly name?: string;
  /** Sizes given by the user; the others are read from the checkpoint. */
  readonly sizes?: Partial<Record<string, number>>;
  /** Of networks that compare images with texts: a file with the texts' vectors. */
  readonly head?: string;
  /** The same: a text file with a sentence for each class. */
  readonly classes?: string;
}

export const tasks = ["classify", "tokens", "segment", "regress"] as const;
/** The kind of loss. */
export type Task = (typeof tasks)[number];

/** The dictionaries that hold the network, of a and of b. */
export type Keys = Partial<Record<"a" | "b", string>>;

/** Which two ends of which network. */
export interface EndsRequest {
  /** Paths of the two checkpoints. */
  readonly a: string;
  readonly b: string;
  /** The dictionaries that hold the network, where a file has several; see OpenOptions. */
  readonly keys?: Keys;
  readonly model: ModelSpec;
  readonly group?: Grouping;
  readonly allowNonfinite?: boolean;
}

/** The ends, and the samples to measure them on. */
export interface PairRequest extends EndsRequest {
  readonly data: DataOptions & { readonly name: string };
  readonly task?: Task;
  /** The output of an ONNX graph that holds the scores. */
  readonly output?: string;
  readonly batch?: number;
  readonly runtime?: RuntimeOptions;
}

export interface Pair extends Omit<Ends, "fit" | "context" | "declared" | "readData"> {
  readonly model: Model;
  readonly data: Dataset;
  /** Samples of a batch; where there are fewer, the last one fills it. */
  readonly batch: number;
  /** The batch that the network's inputs are fixed to; undefined where it is free. */
  readonly fixedBatch?: number;
  /** The network predicts the next token of a text: the exponential of its mean loss is the perplexity. */
  readonly isLanguage?: boolean;
  /** The data's inputs under the network's names and in its dtypes. */
  inputs(graph: Graph, shape: BatchShape): Inputs;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** What the samples add to the ends. */
export type Fitted = Pick<Pair, "model" | "data" | "batch" | "fixedBatch" | "isLanguage" | "notes" | "inputs"> & {
  /** What the samples and the network say of each other in the result. */
  readonly facts?: Pair["facts"];
};

export interface Origin<File extends Checkpoint = Checkpoint> {
  /** Opens a file of an end; default: as a checkpoint of any format. */
  openFile?(path: string, options: OpenOptions): Promise<File>;
  /** Checks two files against each other and against the network. Throws {@link UserError} when they do not fit. */
  open(files: readonly [File, File], request: EndsRequest): Promise<Ends>;
}

/** Two ends of one network, before there are samples. */
export interface Ends {
  readonly a: End;
  readonly b: End;
  readonly layers: readonly Layer[];
  readonly parameters: Model["parameters"];
  /** Groups of parameters that are one tensor. */
  readonly tied: Model["tied"];
  readonly notes: readonly string[];
  /** Of the tensors of both ends, by the names of a. */
  readonly kinds: Kinds;
  /** What the result says of the model, beside its sizes. */
  readonly facts: Readonly<Record<string, string>>;
  /** There is no batch normalisation whose statistics could be computed again: they were folded into convolutions, or use the batch's own anyway. */
  readonly cannotRecalibrate?: boolean;
  /** The order of the layers is the graph's, which another export may change: what is stored by their order must name them. */
  readonly isOrderOfGraph?: boolean;
  /** What the graph declares of its inputs, by which arrays are laid out. */
  readonly declared?: Declared;
  /** Tokens of a sample, where the network decides it. */
  readonly context?: number;
  /** Opens samples, where the ends decide how; default: a data set by its name. */
  readData?(name: string, options: DataOptions): Promise<Dataset>;
  /** Fits the network to samples. Throws {@link UserError} when it cannot take them. */
  fit(data: Dataset, request: PairRequest): Promise<Fitted>;
  /** Of state dicts: both files under common names. */
  readonly files?: readonly [Checkpoint, Checkpoint];
  /** Opens another checkpoint with the names of a's file, whatever its values. */
  openEnd(file: Checkpoint): Promise<End>;
}
