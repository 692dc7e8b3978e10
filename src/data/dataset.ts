// The contract of a data set: a fixed, ordered list of samples of one split, assembled into batches by index.
import type { DType, Random, Tensor } from "../core/index.ts";

/** An input of one sample, without the batch dimension. */
export interface InputSpec {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** The batch's axis in what is fed, default the first; null for an array that is the same for all samples and fed whole. */
  readonly axis?: number | null;
}

/** An input or output as a graph declares it; a name or `undefined` stands for a size that is free. */
export interface DeclaredInput {
  readonly name: string;
  readonly dtype: DType | undefined;
  readonly shape: readonly (number | string | undefined)[] | undefined;
}

/** What a graph declares of its inputs: how arrays have to be laid out. */
export interface Declared {
  readonly inputs: readonly DeclaredInput[];
  /** Arrays under other names have no part in the samples, and a note lists them. Else they count in the hash. */
  readonly areOthersIgnored?: boolean;
}

/** Samples put together: inputs by name, and labels. */
export interface Batch {
  readonly inputs: Readonly<Record<string, Tensor>>;
  /** int64 class indices [n] or [n, T], negative where a label does not count; float32 values for a regression. */
  readonly labels: Tensor;
}

/** `valid` is a split of folders of texts and of images only. */
export const splits = ["train", "valid", "test"] as const;
/** `valid` is a split of folders of texts and of images only. */
export type Split = (typeof splits)[number];

/** How a batch is made. */
export interface BatchOptions {
  /** The stream of random changes; asks for training augmentation where the set has one. */
  readonly augment?: Random;
}

/** A fixed, ordered list of samples of one split, assembled into batches by index. */
export interface Dataset {
  readonly name: string;
  readonly split: Split;
  readonly count: number;
  readonly inputs: readonly InputSpec[];
  /** [] for one label a sample, [T] for text. */
  readonly labelShape: readonly number[];
  /** float32 for the values of a regression; default int64, class indices. */
  readonly labelType?: "int64" | "float32";
  readonly classes: number;
  /** The names of its classes in their order, where it has them. */
  readonly classNames?: readonly string[];
  /** Of the chosen samples and labels as they are stored. */
  readonly sha256: string;
  /** The labels of all samples, where they are arrays of the user's; what they mean depends on the network. */
  readonly labels?: Tensor;
  /** Labels of each sample that count, where some are negative and do not. */
  readonly weights?: Float32Array;
  /** Notes for the result. */
  readonly notes?: readonly string[];
  /** The hash of the first so many samples, where it is not that of the set opened with so many. */
  hashOf?(samples: number): string;
  /** Every sample's class, where a sample has one. */
  classOf?(): ArrayLike<number>;
  /** The samples of these indices, put together. */
  batch(indices: ArrayLike<number>, options?: BatchOptions): Batch;
  /** Of a text: the windows that begin at any of its `positions`, which training draws from. */
  windows?(starts: ArrayLike<number>): Batch;
  readonly positions?: number;
}

/** Which samples of a data set are opened, and how. */
export interface DataOptions {
  readonly split?: Split;
  /** The first so many samples; default all. */
  readonly samples?: number;
  /** Folder of the official files. */
  readonly dir?: string;
  /** Normalisation of each channel. */
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  /** Pixels of an image's side; default the official ones, or half of them. */
  readonly size?: number;
  /** Characters in a text sample. */
  readonly context?: number;
  /** What the graph that takes the samples declares. */
  readonly declared?: Declared;
}

/** Options of a source that has two splits. */
export interface SourceOptions extends DataOptions {
  readonly split?: Exclude<Split, "valid">;
}

/** A data set that can be opened: one entry of the registry. */
export interface DataSource {
  readonly name: string;
  readonly title: string;
  open(options: SourceOptions): Promise<Dataset>;
}
