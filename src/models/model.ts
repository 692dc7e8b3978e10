// The contract of a network: its parameters as data, and a forward pass over the graph.
import type { DType } from "../core/index.ts";
import { type Dialect, dropout, type Value } from "../graph/index.ts";

/** How a parameter starts: its distribution. */
export type Initial =
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "uniform"; readonly bound: number } // in [-bound, bound)
  | { readonly kind: "normal"; readonly deviation: number };

/** A tensor of a network: its name, shape, and initialisation. */
export interface Parameter {
  /** State-dict key, e.g. `layer1.0.conv1.weight`. */
  readonly name: string;
  readonly shape: readonly number[];
  /** How it starts; a network that is only measured has none. */
  readonly initial?: Initial;
  /** Of a weight or statistic; default float32. */
  readonly dtype?: DType;
  /** The layer it belongs to where its name does not tell. */
  readonly layer?: string;
  /**
   * `statistic`: running mean or variance, tracked and not trained; `counter`: an integer buffer; `kept`: a mask, indices, spectral norm's vectors, which an
   * averaged layer takes from one end. Default `weight`.
   */
  readonly kind?: "weight" | "statistic" | "counter" | "kept";
}

/** The inputs of a forward pass, by name. */
export type Inputs = Readonly<Record<string, Value>>;

/** The value of a parameter in the graph, by name. */
export type Weights = (name: string) => Value;

/** What a forward pass in training needs beside the weights. In evaluation it is left out. */
export interface Training {
  /** Uniform noise in [0, 1) of a shape, fresh at every step, for dropout; without it there is no dropout. */
  noise?(shape: readonly number[]): Value;
  /** Hands over the new value of a running statistic. */
  track(name: string, value: Value): void;
  /** The batch's share of a new running statistic; default 0.1. One hands over the batch's own. */
  readonly momentum?: number;
}

/** For a name of a tied tensor the last name of its group, which holds the tensor; any other name is its own. */
export function holderOf(tied: Model["tied"]): (name: string) => string {
  const last = new Map(tied.flatMap((names) => names.map((name) => [name, names.at(-1)!])));
  return (name) => last.get(name) ?? name;
}

/** Applies dropout in training, where there is noise. */
export function dropIn(x: Value, p: number, training?: Training): Value {
  return training?.noise && p > 0 ? dropout(x, training.noise(x.shape), p) : x;
}

/** A network of given sizes. */
export interface Model {
  readonly name: string;
  readonly sizes: Sizes;
  /** In state-dict order; a tied parameter stands under each of its names. */
  readonly parameters: readonly Parameter[];
  /** Groups of names that are one tensor; the last name is the layer's. */
  readonly tied: readonly (readonly string[])[];
  /** Each score is of a label that holds or not, whatever the others; the labels are 0 … 1. */
  readonly isMultiLabel?: boolean;
  /** What files of its weights say beside them, for other programs that read them. */
  readonly fileMetadata?: Readonly<Record<string, string>>;
  /**
   * How a graph with its nodes is written, where they came with an ONNX file.
   * @internal
   */
  readonly dialect?: Dialect;
  /** That file. */
  readonly path?: string;
  /** Logits of inputs [batch, …] by name (a built-in network has one, `input`): [batch, classes], or [batch, T, classes] for text. */
  forward(inputs: Inputs, weights: Weights, training?: Training): Value;
}

/** The sizes of a network, by name. */
export type Sizes = Readonly<Record<string, number>>;

/** The shape of a tensor in a checkpoint, by name. */
export type Shapes = (name: string) => readonly number[] | undefined;

/** A family of networks: one entry of the registry. */
export interface Network {
  readonly name: string;
  /** One line for `layerwise models`. */
  readonly title: string;
  readonly input: { readonly dtype: DType; readonly kind: "image" | "tokens" | "vector" };
  /** Every size it has, with the paper's (or source's) value. */
  readonly sizes: Sizes;
  /** The sizes that a checkpoint tells by its shapes. */
  readSizes?(shapes: Shapes): Partial<Record<string, number>>;
  /** The network of given sizes; all of `sizes` are given. */
  build(sizes: Sizes): Model;
}
