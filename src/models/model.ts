// The interface of a network: its parameters as data, and a forward pass that builds a graph. A `Network` has free
// sizes (an entry of the registry); `build` makes a `Model` of given sizes.
import type { DType } from "../core/index.ts";
import { type Dialect, dropout, type Value } from "../graph/index.ts";

/** The initial distribution of a parameter. */
export type Initial =
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "uniform"; readonly bound: number } // in [-bound, bound)
  | { readonly kind: "normal"; readonly deviation: number };

/** A tensor of a network: its name, shape, and initialisation. */
export interface Parameter {
  /** State-dict key, e.g. `layer1.0.conv1.weight`. */
  readonly name: string;
  readonly shape: readonly number[];
  /** The initial distribution; undefined in networks that are only measured. */
  readonly initial?: Initial;
  /** Default: float32, or int64 for a counter. */
  readonly dtype?: DType;
  /** Its layer, if its name does not give it. */
  readonly layer?: string;
  /**
   * `statistic`: running mean or variance, tracked and not trained; `counter`: an integer buffer; `kept`: a mask,
   * indices, or the vectors of spectral norm, which an averaged layer takes from one end. Default `weight`.
   */
  readonly kind?: "weight" | "statistic" | "counter" | "kept";
}

/** The inputs of a forward pass, by name. */
export type Inputs = Readonly<Record<string, Value>>;

/** The value of a parameter in the graph, by name. */
export type Weights = (name: string) => Value;

/** What a forward pass needs in training, in addition to the weights. Undefined in evaluation. */
export interface Training {
  /** Uniform noise in [0, 1) of a given shape for dropout, new at every step. Without it there is no dropout. */
  noise?(shape: readonly number[]): Value;
  /** Records the new value of a running statistic. */
  track(name: string, value: Value): void;
  /** Weight of the batch in a new running statistic; default 0.1. With 1 the new value is the batch's. */
  readonly momentum?: number;
}

/** Maps each name of a tied tensor to the last name of its group, and any other name to itself. */
export function holderOf(tied: Model["tied"]): (name: string) => string {
  const last = new Map(tied.flatMap((names) => names.map((name) => [name, names.at(-1)!])));
  return (name) => last.get(name) ?? name;
}

/** Applies dropout in training, if there is noise. */
export function applyDropout(x: Value, p: number, training?: Training): Value {
  return training?.noise && p > 0 ? dropout(x, training.noise(x.shape), p) : x;
}

/** A model: a network's architecture with given sizes, without weights. */
export interface Model {
  readonly name: string;
  readonly sizes: Sizes;
  /** In state-dict order; a tied parameter is listed under each of its names. */
  readonly parameters: readonly Parameter[];
  /** Groups of names of one tensor; the last name gives the layer. */
  readonly tied: readonly (readonly string[])[];
  /** The scores are those of independent yes-or-no labels (0 … 1). */
  readonly isMultiLabel?: boolean;
  /** Metadata to write into files of its weights, for other programs. */
  readonly fileMetadata?: Readonly<Record<string, string>>;
  /**
   * The ONNX dialect in which its nodes are written, if they come from an ONNX file.
   * @internal
   */
  readonly dialect?: Dialect;
  /** The path of that file. */
  readonly path?: string;
  /**
   * The logits of inputs [batch, …] by name (built-in networks have one, `input`): [batch, classes], or [batch, T,
   * classes] for text.
   */
  forward(inputs: Inputs, weights: Weights, training?: Training): Value;
}

/** The sizes of a network, by name. */
export type Sizes = Readonly<Record<string, number>>;

/** The shape of a tensor in a checkpoint, by name. */
export type Shapes = (name: string) => readonly number[] | undefined;

/** A network architecture with free sizes: an entry of the registry, or the default export of a module. */
export interface Network {
  readonly name: string;
  /** One line for `layerwise models`. */
  readonly title: string;
  readonly input: { readonly dtype: DType; readonly kind: "image" | "tokens" | "vector" };
  /** All its sizes, with the defaults from the paper or source. */
  readonly sizes: Sizes;
  /** The sizes that follow from the shapes of a checkpoint. */
  readSizes?(shapes: Shapes): Partial<Record<string, number>>;
  /** The network of given sizes; all of `sizes` are given. */
  build(sizes: Sizes): Model;
}
