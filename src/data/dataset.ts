// The interface of a data set: a fixed, ordered list of samples of one split, assembled into batches by index.
import type { DType, Random, Tensor } from "../core/index.ts";

/** An input of a single sample, without the batch axis. */
export interface InputSpec {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** The batch axis of the network's input; default: the first. Null for an array that is the same for all samples. */
  readonly axis?: number | null;
}

/** An input or output declared by a graph. A size is free if it is a name or `undefined`. */
export interface DeclaredInput {
  readonly name: string;
  readonly dtype: DType | undefined;
  readonly shape: readonly (number | string | undefined)[] | undefined;
}

/** The declared inputs of a graph, which determine the layout of arrays. */
export interface Declared {
  readonly inputs: readonly DeclaredInput[];
  /**
   * Where several axes are free and none has a batch's name: the one that is read as the batch, instead of the first.
   * Arrays are then in the graph's order.
   * @internal
   */
  readonly batchAxis?: number;
  /** Arrays with other names are ignored, and listed in a note. Otherwise they count in the hash. */
  readonly areOthersIgnored?: boolean;
}

/** Samples put together: inputs by name, and labels. */
export interface Batch {
  readonly inputs: Readonly<Record<string, Tensor>>;
  /** int64 class indices [n] or [n, T], negative if a label does not count; float32 values for a regression. */
  readonly labels: Tensor;
}

/** Only folders of texts and of images have a split `valid`. */
export const splits = ["train", "valid", "test"] as const;
/** `valid` is a split of folders of texts and of images only. */
export type Split = (typeof splits)[number];

/** How a batch is made. */
export interface BatchOptions {
  /** The random stream for augmentation. If it is given, the batch is augmented, provided that the set supports it. */
  readonly augment?: Random;
}

/** A fixed, ordered list of samples of one split, assembled into batches by index. */
export interface Dataset {
  readonly name: string;
  readonly split: Split;
  readonly count: number;
  readonly inputs: readonly InputSpec[];
  /** [] for one label per sample, [T] for text. */
  readonly labelShape: readonly number[];
  /** float32 for the values of a regression, int64 for class indices; default int64. */
  readonly labelType?: "int64" | "float32";
  readonly classes: number;
  /** The names of its classes by index, if it has them. */
  readonly classNames?: readonly string[];
  /** The hash of the chosen samples and labels in their stored form. */
  readonly sha256: string;
  /** The labels of all samples, if they come from the user's arrays. Their meaning depends on the network. */
  readonly labels?: Tensor;
  /** The number of labels of each sample that count, if some are negative and do not. */
  readonly weights?: Float32Array;
  /** Notes for the result. */
  readonly notes?: readonly string[];
  /** The hash of the first `samples` samples, if it differs from that of the set opened with that number. */
  hashOf?(samples: number): string;
  /** The class of every sample, if each has one. */
  classOf?(): ArrayLike<number>;
  /** The samples of these indices, put together. */
  batch(indices: ArrayLike<number>, options?: BatchOptions): Batch;
  /** For texts: the windows that start at any of its `positions`, as drawn in training. */
  windows?(starts: ArrayLike<number>): Batch;
  readonly positions?: number;
}

/** Which samples of a data set are opened, and how. */
export interface DataOptions {
  readonly split?: Split;
  /** Number of samples, from the start; default all. */
  readonly samples?: number;
  /** The folder of the official files. */
  readonly dir?: string;
  /** Mean and standard deviation of each channel, for normalisation. */
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  /** Side of an image in pixels: the official size (default), or half of it. */
  readonly size?: number;
  /** Length of a text sample: characters, or tokens. */
  readonly context?: number;
  /** The declared inputs of the graph that reads the samples. */
  readonly declared?: Declared;
}

/** Options of a source with two splits. */
export interface SourceOptions extends DataOptions {
  readonly split?: Exclude<Split, "valid">;
}

/** A data set that can be opened by name: an entry of the registry. */
export interface DataSource {
  readonly name: string;
  readonly title: string;
  open(options: SourceOptions): Promise<Dataset>;
}
