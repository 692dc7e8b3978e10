// The graph of operations, under ONNX's names, hash-consed. A value is identified by its operation, attributes and
// inputs, so the same expression written twice is one node, and mixes share their common prefixes. Nodes are numbered
// when they are made, inputs first, so ascending ids are a topological order.
import { bytesOf, type DType, sha256, type Tensor } from "../core/index.ts";
import { type AttributeValue, operation } from "./ops/index.ts";

/** Dtype and shape of a value. A shape lists the lengths of the axes; [] is a scalar. */
export interface Type {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** The attributes of an operation, by ONNX's names. */
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** One output of one node, with its dtype and shape. Operations such as {@link add} take and give values. */
export class Value {
  /** @internal */
  constructor(
    /** @internal */
    readonly node: Node,
    /** @internal */
    readonly output: number,
    /** @internal */
    readonly known: Type | undefined,
  ) {}

  /** The graph that it belongs to. */
  get graph(): Graph {
    return this.node.graph;
  }
  /** Dtype and shape. Throws an Error for the output of a foreign node, of which nothing is known. */
  get type(): Type {
    if (!this.known) throw new Error(`the type of ${this.node.op}'s output ${this.output} is not known`);
    return this.known;
  }
  /** The dtype of its elements. Throws like {@link type}. */
  get dtype(): DType {
    return this.type.dtype;
  }
  /** The lengths of its axes. Throws like {@link type}. */
  get shape(): readonly number[] {
    return this.type.shape;
  }
  /** Identifies the value within its graph. */
  get key(): string {
    return `${this.node.id}.${this.output}`;
  }
}

export interface Node {
  readonly graph: Graph;
  readonly id: number;
  /** ONNX's name of the operation; `Input` and `Constant` are leaves. */
  readonly op: string;
  readonly inputs: readonly (Value | null)[];
  readonly attributes: Attributes;
  readonly outputs: readonly Value[];
  /** The value of a `Constant`. */
  readonly tensor?: Tensor;
  /** A node from a foreign model, unchanged from its file. */
  readonly foreign?: Foreign;
}

/** A foreign node without its inputs. The graph never looks inside. */
export interface Foreign {
  /** Equal for nodes that compute equal values from equal inputs. */
  readonly identity: string;
  readonly op: string;
  /** The type of each output, where it is known. */
  readonly types: readonly (Type | undefined)[];
  /** Outer values that the node's subgraphs use, by name; among the inputs, they follow the node's own. */
  readonly captured: readonly string[];
  /** Its values differ at each run. */
  readonly isRandom?: boolean;
  readonly proto: unknown;
}

/**
 * A graph of ONNX operations. Equal expressions are one node.
 * @example
 * ```ts
 * import { add, Graph } from "layerwise/graph";
 *
 * const graph = new Graph();
 * const x = graph.input("x", "float32", [2]);
 * const sum = add(x, x);
 * console.log(add(x, x) === sum, graph.size); // true 2
 * ```
 */
export class Graph {
  readonly #nodes = new Map<string, Node>();

  /** Number of distinct nodes made so far. */
  get size(): number {
    return this.#nodes.size;
  }

  /** A named input; asking again for the same name gives the same value. Throws an Error if the type differs. */
  input(name: string, dtype: DType, shape: readonly number[]): Value {
    const [value] = this.#intern(`Input ${name}`, "Input", [], { name }, () => [{ dtype, shape: [...shape] }]).outputs;
    if (value.dtype !== dtype || String(value.shape) !== String(shape)) {
      throw new Error(`input ${name} is ${value.dtype}[${value.shape}], requested as ${dtype}[${shape}]`);
    }
    return value;
  }

  /** A tensor as a value. Equal tensors are one value. */
  constant(tensor: Tensor): Value {
    const key = `Constant ${tensor.dtype}[${tensor.shape}] ${sha256(bytesOf(tensor))}`;
    return this.#intern(key, "Constant", [], {}, () => [{ dtype: tensor.dtype, shape: tensor.shape }], tensor)
      .outputs[0];
  }

  /**
   * Applies an operation of the table in ops/; shapes are inferred and wrong ones throw an Error. `null` is an optional
   * input left out.
   */
  apply(op: string, inputs: readonly (Value | null)[], attributes: Attributes = {}): readonly Value[] {
    const definition = operation(op);
    for (const name of Object.keys(attributes)) {
      if (!definition.attributes?.[name]) throw new Error(`${op} has no attribute ${name}`);
    }
    const sorted = Object.fromEntries(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));
    const key = `${op} ${inputs.map((v) => v?.key ?? "-").join(" ")} ${JSON.stringify(sorted)}`;
    return this.#intern(key, op, inputs, sorted, () => definition.infer(inputs, sorted)).outputs;
  }

  /**
   * Adds a node of somebody else's model: shared like any other, but without inference or gradient.
   * @internal
   */
  foreign(node: Foreign, inputs: readonly (Value | null)[]): readonly Value[] {
    const key = `~${node.identity} ${inputs.map((v) => v?.key ?? "-").join(" ")}`;
    return this.#intern(key, node.op, inputs, {}, () => node.types, undefined, node).outputs;
  }

  #intern(
    key: string,
    op: string,
    inputs: Node["inputs"],
    attributes: Attributes,
    types: () => readonly (Type | undefined)[],
    tensor?: Tensor,
    foreign?: Foreign,
  ): Node {
    const known = this.#nodes.get(key);
    if (known) return known;
    for (const input of inputs)
      if (input && input.graph !== this) throw new Error(`${op}: an input is from another graph`);
    const outputs: Value[] = [];
    const node: Node = {
      graph: this,
      id: this.#nodes.size,
      op,
      inputs: [...inputs],
      attributes,
      outputs,
      tensor,
      foreign,
    };
    types().forEach((type, i) => {
      outputs.push(new Value(node, i, type));
    });
    this.#nodes.set(key, node);
    return node;
  }
}

/** The value with a type that is known from elsewhere, such as from a run of the model. */
export const withType = ({ node, output }: Value, type: Type): Value => new Value(node, output, type);

/** The names of the inputs that the outputs depend on. */
export function inputNames(outputs: Iterable<Value>): string[] {
  return nodesOf(outputs).flatMap((node) => (node.op === "Input" ? [String(node.attributes.name)] : []));
}

/** All nodes that the outputs depend on, in topological order. */
export function nodesOf(outputs: Iterable<Value>): Node[] {
  const seen = new Set<Node>();
  const stack = [...outputs].map((v) => v.node);
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    for (const input of node.inputs) if (input) stack.push(input.node);
  }
  return [...seen].sort((a, b) => a.id - b.id);
}
