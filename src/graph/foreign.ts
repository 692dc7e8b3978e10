// Somebody else's ONNX model as a function of its weights: nothing needs to be known of its operations, only which node uses which value. Applied
// several times in one graph with some weights equal, the nodes that depend on equal weights only are one. Subgraphs (If, Loop) and
// local functions are kept as they are; what a subgraph uses from outside counts as an input of its node.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  type ValueInfoProto,
} from "onnx-buf";
import { bytesPerElement, type DType, sha256, sizeOf, type Tensor, tensorFromBytes } from "../core/index.ts";
import type { Graph, Node, Value } from "./graph.ts";
import { dtypeOfOnnx } from "./ops/index.ts";

/** An input or output as the model declares it; a name or `undefined` stands for a size that is free. */
export interface Port {
  readonly name: string;
  readonly dtype: DType | undefined;
  readonly shape: readonly (number | string | undefined)[] | undefined;
}

/** A value of the model's own that may be replaced: an initialiser, or a constant node. */
export interface Held {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** The name of the node that uses it first, the operation, which input it is, and what the exporter wrote beside the node. */
  readonly use?: {
    readonly node: string;
    readonly op: string;
    readonly input: number;
    readonly metadata?: NodeProto["metadataProps"];
  };
  /** Of a constant node; an initialiser's elements are the checkpoint reader's. */
  readonly tensor?: Tensor;
  /** The initialiser that this one is a copy of: exporters write equal ones once. */
  readonly copyOf?: string;
}

/** What a serialised graph that holds foreign nodes must declare as theirs did. */
export interface Dialect {
  readonly irVersion: bigint;
  readonly opsets: readonly { readonly domain: string; readonly version: bigint }[];
  readonly functions: ModelProto["functions"];
}

export interface ForeignModel {
  /** Inputs that are fed; not those that have an initialiser. */
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /** In the order of their first use. */
  readonly held: readonly Held[];
  readonly nodes: readonly NodeProto[];
  readonly dialect: Dialect;
}

/** Reads a model's structure. Throws when the bytes are none. */
export function importModel(bytes: Uint8Array): ForeignModel {
  const model = fromBinary(ModelProtoSchema, bytes);
  const { graph } = model;
  if (!graph) throw new Error("it holds no graph");
  const held = new Map<string, Held>();
  for (const { name, dataType, dims } of graph.initializer) {
    const dtype = dtypeOfOnnx(dataType);
    if (dtype) held.set(name, { name, dtype, shape: dims.map(Number) });
  }
  const strangers = new Set(graph.initializer.map((t) => t.name).filter((name) => !held.has(name)));
  if (strangers.size) throw new Error(`its initialiser ${[...strangers][0]} is of a type that is not read`);
  const nodes: NodeProto[] = [];
  for (const node of graph.node) {
    const [source] = node.input;
    if (node.opType === "Identity" && held.has(source)) {
      held.set(node.output[0], {
        ...held.get(source)!,
        name: node.output[0],
        copyOf: held.get(source)!.copyOf ?? source,
      });
    } else if (node.opType === "Constant" && node.domain === "") {
      const tensor = constantOf(node);
      if (tensor) held.set(node.output[0], { name: node.output[0], dtype: tensor.dtype, shape: tensor.shape, tensor });
      else nodes.push(node);
    } else nodes.push(node);
  }
  return {
    inputs: graph.input.filter((port) => !held.has(port.name)).map(portOf),
    outputs: graph.output.map(portOf),
    held: inOrderOfUse(held, nodes),
    nodes,
    dialect: { irVersion: model.irVersion, opsets: model.opsetImport, functions: model.functions },
  };
}

/** Gives other outputs for a node, or undefined to leave it as it is. */
export type Substitute = (node: NodeProto, inputs: readonly (Value | null)[]) => readonly Value[] | undefined;

/** Applies the model's nodes to values: of its inputs and of everything held. Returns the value of a name. */
export function applyModel(
  graph: Graph,
  { nodes }: ForeignModel,
  given: (name: string) => Value,
  substitute: Substitute = () => undefined,
): (name: string) => Value {
  const values = new Map<string, Value>();
  const find = (name: string): Value => values.get(name) ?? given(name);
  for (const node of nodes) {
    const captured = capturedBy(node);
    const inputs = [...node.input, ...captured].map((name) => (name === "" ? null : find(name)));
    const outputs = substitute(node, inputs) ?? applyNode(graph, node, inputs);
    node.output.forEach((name, i) => {
      if (name && outputs[i]) values.set(name, outputs[i]);
    });
  }
  return find;
}

/** A node's attribute `axis`, also of a node of somebody else's model; -1 where it has none. */
export function axisOf({ attributes, foreign }: Node): number {
  const theirs = (foreign?.proto as NodeProto | undefined)?.attribute.find(({ name }) => name === "axis");
  return theirs ? Number(theirs.i) : Number(attributes.axis ?? -1);
}

/** Adds one node; `inputs` are its own and those that its subgraphs capture. */
export function applyNode(graph: Graph, node: NodeProto, inputs: readonly (Value | null)[]): readonly Value[] {
  const types = node.output.map(() => undefined);
  const foreign = { identity: identityOf(node), op: node.opType, types, captured: capturedBy(node), proto: node };
  return graph.foreign(foreign, inputs);
}

/** Adds a standard operation of one output to a graph of foreign nodes, whose types are not known. */
export function applyStandard(
  op: string,
  inputs: readonly Value[],
  attributes: Readonly<Record<string, number | readonly number[]>> = {},
): Value {
  const attribute = Object.entries(attributes).map(([name, value]) =>
    typeof value === "number"
      ? create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INT, i: BigInt(value) })
      : create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INTS, ints: value.map(BigInt) }),
  );
  const input = inputs.map((_, i) => `x${i}`);
  const node = create(NodeProtoSchema, { opType: op, input, output: ["y"], attribute });
  return applyNode(inputs[0].graph, node, inputs)[0];
}

/** The node under new names, for serialising. */
export function renamed(
  node: NodeProto,
  name: string,
  inputs: readonly string[],
  outputs: readonly string[],
): NodeProto {
  const own = inputs.slice(0, node.input.length);
  const captured = capturedBy(node);
  const names = new Map(captured.map((old, i) => [old, inputs[node.input.length + i]]));
  return create(NodeProtoSchema, {
    ...node,
    docString: "",
    metadataProps: [], // where in the exporter's source it comes from: equal pieces should be equal bytes
    name,
    input: own,
    output: node.output.map((old, i) => (old ? outputs[i] : "")),
    attribute: captured.length
      ? node.attribute.map((a) =>
          a.g ? { ...a, g: renameWithin(a.g, names) } : { ...a, graphs: a.graphs.map((g) => renameWithin(g, names)) },
        )
      : node.attribute,
  });
}

const identities = new WeakMap<NodeProto, string>();

/** The operation and its attributes. */
export function identityOf(node: NodeProto): string {
  let identity = identities.get(node);
  if (identity === undefined) {
    const { opType, domain, overload, attribute } = node;
    const rest = toBinary(NodeProtoSchema, create(NodeProtoSchema, { opType, domain, overload, attribute }));
    // optional outputs that are left out change what some operations do
    identity = `${opType} ${node.output.map((name) => Number(name !== "")).join("")} ${sha256(rest)}`;
    identities.set(node, identity);
  }
  return identity;
}

const subgraphs = (node: NodeProto): GraphProto[] =>
  node.attribute.flatMap(({ g, graphs }) => (g ? [g, ...graphs] : graphs));

/** The names that a node's subgraphs use from outside, in order. */
function capturedBy(node: NodeProto): string[] {
  return [...new Set(subgraphs(node).flatMap(outerNames))];
}

function outerNames(graph: GraphProto): string[] {
  const own = new Set([...graph.input, ...graph.initializer].map(({ name }) => name));
  const outer: string[] = [];
  for (const node of graph.node) {
    outer.push(...[...node.input, ...capturedBy(node)].filter((name) => name !== "" && !own.has(name)));
    for (const name of node.output) own.add(name);
  }
  outer.push(...graph.output.map(({ name }) => name).filter((name) => !own.has(name)));
  return outer;
}

function renameWithin(graph: GraphProto, names: ReadonlyMap<string, string>): GraphProto {
  const own = new Set([...graph.input, ...graph.initializer].map(({ name }) => name));
  for (const node of graph.node) for (const name of node.output) own.add(name);
  const visible = new Map([...names].filter(([name]) => !own.has(name)));
  const rename = (name: string) => visible.get(name) ?? name;
  return {
    ...graph,
    node: graph.node.map((node) => ({
      ...node,
      input: node.input.map(rename),
      attribute: node.attribute.map((a) =>
        a.g ? { ...a, g: renameWithin(a.g, visible) } : { ...a, graphs: a.graphs.map((g) => renameWithin(g, visible)) },
      ),
    })),
    output: graph.output.map((port) => ({ ...port, name: rename(port.name) })),
  };
}

function inOrderOfUse(held: ReadonlyMap<string, Held>, nodes: readonly NodeProto[]): Held[] {
  const used = new Map<string, Held>();
  for (const node of nodes) {
    [...node.input, ...capturedBy(node)].forEach((name, input) => {
      const known = held.get(name);
      if (known && !used.has(name))
        used.set(name, { ...known, use: { node: node.name, op: node.opType, input, metadata: node.metadataProps } });
    });
  }
  return [...used.values()];
}

function portOf({ name, type }: ValueInfoProto): Port {
  if (type?.value.case !== "tensorType") return { name, dtype: undefined, shape: undefined };
  const { elemType, shape } = type.value.value;
  return {
    name,
    dtype: dtypeOfOnnx(elemType),
    shape: shape?.dim.map(({ value }) =>
      value.case === "dimValue" ? Number(value.value) : value.case === "dimParam" ? value.value : undefined,
    ),
  };
}

/** A constant node's tensor; undefined for texts and sparse ones, which stay nodes. */
function constantOf({ attribute }: NodeProto): Tensor | undefined {
  const [{ name, t, f, i, floats, ints }] = attribute;
  const numbers = (dtype: "float32" | "int64", shape: number[], values: Iterable<number | bigint>): Tensor =>
    dtype === "float32"
      ? { dtype, shape, data: Float32Array.from(values as Iterable<number>) }
      : { dtype, shape, data: BigInt64Array.from(values as Iterable<bigint>) };
  if (name === "value" && t) return tensorOf(t);
  if (name === "value_float") return numbers("float32", [], [f]);
  if (name === "value_int") return numbers("int64", [], [i]);
  if (name === "value_floats") return numbers("float32", [floats.length], floats);
  if (name === "value_ints") return numbers("int64", [ints.length], ints);
  return undefined;
}

/** The tensor of a protobuf message whose elements are in it; undefined when they are elsewhere or of another type. */
function tensorOf(proto: TensorProto): Tensor | undefined {
  const dtype = dtypeOfOnnx(proto.dataType);
  if (!dtype || proto.dataLocation === TensorProto_DataLocation.EXTERNAL) return undefined;
  const shape = proto.dims.map(Number);
  const raw = proto.rawData;
  if (raw?.length) return tensorFromBytes(dtype, shape, new Uint8Array(raw));
  const { floatData, doubleData, int64Data, uint64Data, int32Data } = proto;
  const size = sizeOf(shape);
  const filled = <T>(values: T[]): T[] => {
    if (values.length !== size)
      throw new Error(`its constant has ${values.length} elements where [${shape}] are named`);
    return values;
  };
  if (dtype === "float32") return { dtype, shape, data: Float32Array.from(filled(floatData)) };
  if (dtype === "float64") return { dtype, shape, data: Float64Array.from(filled(doubleData)) };
  if (dtype === "int64") return { dtype, shape, data: BigInt64Array.from(filled(int64Data)) };
  if (dtype === "uint64") return { dtype, shape, data: BigUint64Array.from(filled(uint64Data)) };
  if (dtype === "uint32") return { dtype, shape, data: Uint32Array.from(filled(uint64Data), Number) };
  const bytes = new Uint8Array(size * bytesPerElement(dtype));
  const { data } = tensorFromBytes(dtype, shape, bytes);
  (data as Int32Array).set(filled(int32Data));
  return { dtype, shape, data };
}
