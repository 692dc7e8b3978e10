// The contract of a data set: a fixed, ordered list of samples of one split, assembled into batches by index.
import type { DType, Random, Tensor } from "../core/index.ts";

/** An input of ONE sample, without the batch dimension. */
export interface InputSpec {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

export interface Batch {
  readonly inputs: Readonly<Record<string, Tensor>>;
  /** int64 class indices [n] or [n, T]; float32 values for a regression. */
  readonly labels: Tensor;
}

export type Split = "train" | "test";

export interface BatchOptions {
  /** The stream of random changes; asks for training augmentation where the set has one. */
  readonly augment?: Random;
}

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
  /** Of the chosen samples and labels as they are stored. */
  readonly sha256: string;
  /** Every sample's class, where a sample has one. */
  classOf?(): ArrayLike<number>;
  batch(indices: ArrayLike<number>, options?: BatchOptions): Batch;
  /** Of a text: the windows that begin at any of its `positions`, which training draws from. */
  windows?(starts: ArrayLike<number>): Batch;
  readonly positions?: number;
}

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
}

/** A data set that can be opened: one entry of the registry. */
export interface DataSource {
  readonly name: string;
  readonly title: string;
  open(options: DataOptions): Promise<Dataset>;
}
