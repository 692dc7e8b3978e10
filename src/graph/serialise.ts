// Serialises a graph as an ONNX model for the runtime. Weights are inputs, or frozen as initialisers, which the runtime
// prepares only once.
import { create } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  TensorProtoSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
} from "onnx-buf";
import { bytesOf, type Tensor, toNumbers } from "../core/index.ts";
import { type Dialect, renameNode } from "./foreign.ts";
import { type Node, nodesOf, type Type, type Value } from "./graph.ts";
import { bytesOfModel } from "./model-bytes.ts";
import { axesAreInput, inOperatorSet } from "./operator-sets.ts";
import { newest, onnxTypes, operation } from "./ops/index.ts";

const own: Dialect = {
  irVersion: 9n,
  opsets: [
    { domain: "", version: BigInt(newest) },
    { domain: "com.microsoft", version: 1n },
  ],
  functions: [],
};

/**
 * The bytes of an ONNX model with the nodes that the named outputs depend on. `weights` freezes inputs of those names
 * as initialisers. A graph with foreign nodes is written in the dialect of their model. Throws an Error for operations
 * that must be lowered first ({@link lower}), and beyond protobuf's 2 GB.
 * @example
 * ```ts
 * import { Graph, relu, serialise } from "layerwise/graph";
 * import { InferenceSession, Tensor } from "onnxruntime-node";
 *
 * const graph = new Graph();
 * const x = graph.input("x", "float32", [3]);
 * const session = await InferenceSession.create(serialise({ y: relu(x) }));
 * const { y } = await session.run({ x: new Tensor("float32", [-1, 0, 2], [3]) });
 * console.log(y.data); // Float32Array(3) [ 0, 0, 2 ]
 * ```
 */
export function serialise(
  outputs: Readonly<Record<string, Value>>,
  weights: ReadonlyMap<string, Tensor> = new Map(),
  dialect: Dialect = own,
): Uint8Array {
  return modelOf(graphOf(outputs, weights, dialect), dialect);
}

/** The bytes of a model with this graph. */
export function modelOf(graph: GraphProto, dialect: Dialect = own): Uint8Array {
  const model = create(ModelProtoSchema, {
    irVersion: dialect.irVersion < 4n ? 4n : dialect.irVersion, // before 4, every initialiser also had to be an input
    producerName: "layerwise",
    opsetImport: dialect.opsets.map(({ domain, version }) => create(OperatorSetIdProtoSchema, { domain, version })),
    functions: dialect.functions,
  });
  return bytesOfModel(model, graph);
}

/** The graph of {@link serialise}, for use in a model or a node. */
export function graphOf(
  wanted: Readonly<Record<string, Value>>,
  weights: ReadonlyMap<string, Tensor> = new Map(),
  dialect: Dialect = own,
): GraphProto {
  const names = new Map<string, string>();
  const nodes = [];
  const inputs = [];
  const initialisers = [];
  const version = Number(dialect.opsets.find(({ domain }) => domain === "")?.version ?? newest);
  const outputs = inOperatorSet(version, wanted);
  const all = nodesOf(Object.values(outputs));
  const used = new Set([...all.flatMap((node) => node.inputs), ...Object.values(outputs)].map((v) => v?.key));
  // a computed value that is an output has the output's name; a second name, an input or a constant needs an Identity
  const outputNames = new Map<string, string>();
  for (const [name, { key, node }] of Object.entries(outputs))
    if (node.op !== "Input" && !node.tensor && !outputNames.has(key)) outputNames.set(key, name);
  for (const node of all) {
    node.outputs.forEach((v, i) => {
      if (!node.foreign && !used.has(v.key)) return;
      const own = node.op === "Input" ? String(node.attributes.name) : `${node.op}~${node.id}${i ? `_${i}` : ""}`;
      names.set(v.key, outputNames.get(v.key) ?? own);
    });
    const [value] = node.outputs;
    const name = names.get(value.key) ?? "";
    const frozen = node.tensor ?? (node.op === "Input" ? weights.get(name) : undefined);
    if (frozen) initialisers.push(tensorProto(name, frozen));
    else if (node.op === "Input") inputs.push(valueInfo(name, value.type));
    else nodes.push(nodeProto(node, names, version));
  }
  const results = Object.entries(outputs).map(([name, value]) => {
    const input = [names.get(value.key)!];
    if (input[0] !== name)
      nodes.push(create(NodeProtoSchema, { opType: "Identity", input, output: [name], name: `output ${name}` }));
    return valueInfo(name, value.known);
  });
  const size = initialisers.reduce((sum, t) => sum + t.rawData!.length, 0);
  if (size > 2 ** 31 - 2 ** 26)
    throw new RangeError(`${size} bytes of weights do not fit in an ONNX file; keep them as inputs`);
  return create(GraphProtoSchema, {
    name: "layerwise",
    node: nodes,
    input: inputs,
    output: results,
    initializer: initialisers,
  });
}

function nodeProto(node: Node, names: ReadonlyMap<string, string>, version: number) {
  const inputNames = node.inputs.map((v) => (v ? names.get(v.key)! : ""));
  if (node.foreign) {
    const outputNames = node.outputs.map((v) => names.get(v.key)!);
    return renameNode(node.foreign.proto as NodeProto, `${node.op}~${node.id}`, inputNames, outputNames);
  }
  const { domain, attributes: kinds = {} } = operation(node.op);
  if (domain === "layerwise") throw new Error(`${node.op} must be lowered before it runs`);
  const attribute = Object.entries(node.attributes).map(([name, value]) => {
    const type = AttributeProto_AttributeType;
    if (kinds[name] === "int")
      return create(AttributeProtoSchema, { name, type: type.INT, i: BigInt(value as number) });
    if (kinds[name] === "float") return create(AttributeProtoSchema, { name, type: type.FLOAT, f: value as number });
    if (kinds[name] === "string")
      return create(AttributeProtoSchema, { name, type: type.STRING, s: new TextEncoder().encode(value as string) });
    return create(AttributeProtoSchema, { name, type: type.INTS, ints: (value as readonly number[]).map(BigInt) });
  });
  if (!axesAreInput(node.op, version)) {
    const axes = Array.from(toNumbers(node.inputs[1]!.node.tensor!), BigInt);
    attribute.push(create(AttributeProtoSchema, { name: "axes", type: AttributeProto_AttributeType.INTS, ints: axes }));
    inputNames.length = 1;
  }
  return create(NodeProtoSchema, {
    name: `${node.op}~${node.id}`,
    opType: node.op,
    domain: domain ?? "",
    input: inputNames,
    // optional outputs cost time only when they are requested
    output: node.outputs.map((v) => names.get(v.key) ?? "").filter((name, i) => name || i === 0),
    attribute,
  });
}

const tensorProto = (name: string, tensor: Tensor) =>
  create(TensorProtoSchema, {
    name,
    dataType: onnxTypes[tensor.dtype],
    dims: tensor.shape.map(BigInt),
    rawData: bytesOf(tensor) as Uint8Array<ArrayBuffer>,
  });

const valueInfo = (name: string, type: Type | undefined) =>
  type ? typedInfo(name, type) : create(ValueInfoProtoSchema, { name });

const typedInfo = (name: string, { dtype, shape }: Type) =>
  create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, {
      value: {
        case: "tensorType",
        value: {
          elemType: onnxTypes[dtype],
          shape: { dim: shape.map((n) => ({ value: { case: "dimValue" as const, value: BigInt(n) } })) },
        },
      },
    }),
  });
