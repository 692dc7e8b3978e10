// The modules that networks are made of. A call requests its weights by their names in the file, with their shapes, and
// applies the module. So one function gives both a network's graph and its list of parameters (network.ts).
import { conv, type Graph, gather, layerNormalization, linear, type Value } from "../../graph/index.ts";
import { normalise, type Parameter, type Training } from "../../models/index.ts";

/** Provides modules with their parameters. */
export interface Supply {
  /** The value of a parameter. */
  give(parameter: Parameter): Value;
  /** Registers a parameter that is not used here, or not yet. */
  reserve?(parameter: Parameter): void;
  readonly training?: Training;
}

/** A convolution of k x k windows. Defaults: `stride` k, `padding` 0, `groups` 1. */
export interface ConvSettings {
  readonly kernel: number;
  readonly stride?: number;
  readonly padding?: number;
  readonly groups?: number;
  readonly hasBias?: boolean;
}

/** The modules at a path. Names are relative to it; an empty name is the path itself. */
export class Modules {
  readonly #supply: Supply;
  readonly #path: string;

  constructor(supply: Supply, path = "") {
    this.#supply = supply;
    this.#path = path;
  }

  /** The modules below `name`: `encoder.layer.0`. */
  within(name: string): Modules {
    return new Modules(this.#supply, this.#join(name));
  }

  /** A single tensor, such as a class token. The first request determines its position among the parameters. */
  parameter(name: string, shape: readonly number[], more: Pick<Parameter, "kind" | "dtype"> = {}): Value {
    return this.#supply.give({ name: this.#join(name), shape, ...more });
  }

  /** Gives a tensor its position among the parameters without using it, or before using it. */
  reserve(name: string, shape: readonly number[], more: Pick<Parameter, "kind" | "dtype"> = {}): void {
    this.#supply.reserve?.({ name: this.#join(name), shape, ...more });
  }

  /** x [..., in] gives [..., out]. */
  linear(name: string, x: Value, out: number, { hasBias = true } = {}): Value {
    const weight = this.parameter(`${name}.weight`, [out, x.shape.at(-1)!]);
    return linear(x, weight, hasBias ? this.parameter(`${name}.bias`, [out]) : null);
  }

  /** Gives the tensors of a linear module their positions before it is used. */
  reserveLinear(name: string, inner: number, out: number, { hasBias = true } = {}): void {
    this.reserve(`${name}.weight`, [out, inner]);
    if (hasBias) this.reserve(`${name}.bias`, [out]);
  }

  /** Layer normalisation over the last axis. */
  layerNorm(name: string, x: Value, epsilon: number, { hasBias = true } = {}): Value {
    const shape = x.shape.slice(-1);
    const weight = this.parameter(`${name}.weight`, shape);
    return layerNormalization(x, weight, hasBias ? this.parameter(`${name}.bias`, shape) : null, epsilon);
  }

  /** The rows of a table [count, width] with the given indices. */
  embedding(name: string, ids: Value, count: number, width: number): Value {
    return gather(this.parameter(`${name}.weight`, [count, width]), ids, 0);
  }

  /** x [n, channels, h, w] gives [n, out, …]. */
  conv(
    name: string,
    x: Value,
    out: number,
    { kernel, stride = kernel, padding, groups = 1, hasBias = true }: ConvSettings,
  ) {
    const weight = this.parameter(`${name}.weight`, [out, x.shape[1] / groups, kernel, kernel]);
    return conv(x, weight, hasBias ? this.parameter(`${name}.bias`, [out]) : null, { stride, padding, groups });
  }

  /**
   * Batch normalisation of [n, channels, h, w]: by the running statistics, or in training by the batch's statistics.
   */
  batchNorm(name: string, x: Value, epsilon = 1e-5): Value {
    const shape = [x.shape[1]];
    for (const part of ["weight", "bias"]) this.reserve(`${name}.${part}`, shape);
    for (const part of ["running_mean", "running_var"]) this.reserve(`${name}.${part}`, shape, { kind: "statistic" });
    this.reserve(`${name}.num_batches_tracked`, [], { kind: "counter", dtype: "int64" });
    const { give, training } = this.#supply;
    return normalise(this.#join(name), x, (own) => give({ name: own, shape }), training, epsilon);
  }

  #join(name: string): string {
    return this.#path && name ? `${this.#path}.${name}` : this.#path || name;
  }
}

/**
 * Applies a network to inputs in a graph, and lists the parameters that it requests, in the order of their first
 * request.
 */
export function traceParameters(graph: Graph, apply: (modules: Modules) => Value): Parameter[] {
  const found = new Map<string, Parameter>();
  const reserve = (parameter: Parameter) => found.set(parameter.name, found.get(parameter.name) ?? parameter);
  const give = (parameter: Parameter) => {
    const { name, shape, dtype = "float32" } = parameter;
    reserve(parameter);
    return graph.input(name, dtype, shape); // throws if one name has two shapes
  };
  apply(new Modules({ give, reserve }));
  return [...found.values()];
}
