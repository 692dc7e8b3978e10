// A graph as an ONNX model: what the runtime loads. Weights may stay inputs or be frozen in as initialisers (the runtime then prepares them once).
import { create, toBinary } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  TensorProtoSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
} from "onnx-buf";
import { bytesOf, type Tensor } from "../core/index.ts";
import { type Node, nodesOf, type Type, type Value } from "./graph.ts";
import { onnxTypes, operation } from "./ops/index.ts";

/** ONNX operator set that the table in ops/ speaks. */
const opset = 20;

/**
 * Serialises the nodes that the named outputs depend on. `weights` freezes inputs of those names as initialisers.
 * Throws for operations that must be lowered first, and beyond protobuf's 2 GB.
 */
export function serialise(
  outputs: Readonly<Record<string, Value>>,
  weights: ReadonlyMap<string, Tensor> = new Map(),
): Uint8Array {
  const names = new Map<string, string>();
  const nodes = [];
  const inputs = [];
  const initialisers = [];
  const all = nodesOf(Object.values(outputs));
  const used = new Set([...all.flatMap((node) => node.inputs), ...Object.values(outputs)].map((v) => v?.key));
  for (const node of all) {
    node.outputs.forEach((v, i) => {
      if (used.has(v.key))
        names.set(
          v.key,
          node.op === "Input" ? String(node.attributes.name) : `${node.op}_${node.id}${i ? `_${i}` : ""}`,
        );
    });
    const [value] = node.outputs;
    const name = names.get(value.key) ?? "";
    const frozen = node.tensor ?? (node.op === "Input" ? weights.get(name) : undefined);
    if (frozen) initialisers.push(tensorProto(name, frozen));
    else if (node.op === "Input") inputs.push(valueInfo(name, value.type));
    else nodes.push(nodeProto(node, names));
  }
  const results = Object.entries(outputs).map(([name, value]) => {
    nodes.push(
      create(NodeProtoSchema, {
        opType: "Identity",
        input: [names.get(value.key)!],
        output: [name],
        name: `output ${name}`,
      }),
    );
    return valueInfo(name, value.type);
  });
  const graph = create(GraphProtoSchema, {
    name: "layerwise",
    node: nodes,
    input: inputs,
    output: results,
    initializer: initialisers,
  });
  const size = initialisers.reduce((sum, t) => sum + t.rawData!.length, 0);
  if (size > 2 ** 31 - 2 ** 26)
    throw new RangeError(`${size} bytes of weights do not fit an ONNX file; leave them inputs`);
  const model = create(ModelProtoSchema, {
    irVersion: 9n,
    producerName: "layerwise",
    opsetImport: [
      create(OperatorSetIdProtoSchema, { domain: "", version: BigInt(opset) }),
      create(OperatorSetIdProtoSchema, { domain: "com.microsoft", version: 1n }),
    ],
    graph,
  });
  return toBinary(ModelProtoSchema, model);
}

function nodeProto(node: Node, names: ReadonlyMap<string, string>) {
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
  return create(NodeProtoSchema, {
    name: `${node.op}_${node.id}`,
    opType: node.op,
    domain: domain ?? "",
    input: node.inputs.map((v) => (v ? names.get(v.key)! : "")),
    output: node.outputs.map((v) => names.get(v.key) ?? "").filter((name, i) => name || i === 0), // optional outputs only cost when asked for
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

const valueInfo = (name: string, { dtype, shape }: Type) =>
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
