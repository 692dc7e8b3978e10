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
  type ValueInfoProto,
} from "onnx-buf";
import { type DType, sha256, type Tensor } from "../core/index.ts";
import type { Graph, Node, Value } from "./graph.ts";
import { keepUnread, liftWeights } from "./import/lift.ts";
import { capturedBy } from "./import/nodes.ts";
import { leaveOutDropout, nameStandardDomain } from "./import/normalise.ts";
import { sortNodes } from "./import/order.ts";
import { constantOf } from "./import/tensors.ts";
import { type Traits, traitsOf } from "./import/traits.ts";
import { dtypeOfOnnx } from "./ops/index.ts";

/** An input or output as the model declares it; a name or `undefined` stands for a size that is free. */
export interface Port {
  readonly name: string;
  readonly dtype: DType | undefined;
  readonly shape: readonly (number | string | undefined)[] | undefined;
}

/** A value of the model's own that may be replaced: an initialiser, or a constant, wherever it is. */
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
  /** Of all but initialisers, whose elements are the checkpoint reader's. */
  readonly tensor?: Tensor;
  /** The exporter says that this is a parameter or a buffer of the model (PyTorch since 2.6). */
  readonly isDeclared?: boolean;
  /** The initialiser that this one is a copy of: exporters write equal ones once. */
  readonly copyOf?: string;
}

/** What a serialised graph that holds foreign nodes must declare as theirs did. */
export interface Dialect {
  readonly irVersion: bigint;
  readonly opsets: readonly { readonly domain: string; readonly version: bigint }[];
  readonly functions: ModelProto["functions"];
}

export interface ForeignModel extends Traits {
  /** Inputs that are fed; not those that have an initialiser. */
  readonly inputs: readonly Port[];
  /** Those that are tensors. */
  readonly outputs: readonly Port[];
  /** Names of outputs that are none, such as a sequence of maps. */
  readonly sequences: readonly string[];
  /** In the order of their first use. */
  readonly held: readonly Held[];
  /** Initialisers of numbers in a type that is not ours. */
  readonly unread: readonly { readonly name: string; readonly type: string }[];
  readonly nodes: readonly NodeProto[];
  /** Values that decide whether a dropout, which is left out here, is in training mode. */
  readonly dropoutModes: readonly string[];
  readonly dialect: Dialect;
}

/** Reads a model's structure. Throws when the bytes are none. */
export function importModel(bytes: Uint8Array): ForeignModel {
  const model = fromBinary(ModelProtoSchema, bytes);
  const { graph } = model;
  if (!graph) throw new Error("it holds no graph");
  nameStandardDomain(model);
  sortNodes(model);
  const dropoutModes = leaveOutDropout(model);
  const unread = keepUnread(graph, (type) => dtypeOfOnnx(type) !== undefined);
  const held = new Map<string, Held>();
  const declared = declaredIn(graph.valueInfo);
  for (const { name, dataType, dims } of graph.initializer)
    held.set(name, {
      name,
      dtype: dtypeOfOnnx(dataType)!,
      shape: dims.map(Number),
      ...(declared.has(name) ? { isDeclared: true } : {}),
    });
  const hold = (name: string, tensor: Tensor) =>
    held.set(name, { name, dtype: tensor.dtype, shape: tensor.shape, tensor });
  for (const [name, tensor] of liftWeights(model)) hold(name, tensor);
  const traits = traitsOf(model);
  const nodes: NodeProto[] = [];
  const strangers = new Set<string>(); // constants that are not read
  for (const node of graph.node) {
    const [source] = node.input;
    const [name] = node.output;
    if (node.opType === "Identity" && held.has(source)) {
      held.set(name, { ...held.get(source)!, name, copyOf: held.get(source)!.copyOf ?? source });
    } else if (node.opType === "Constant" && node.domain === "") {
      const tensor = constantOf(node);
      if (tensor) hold(name, tensor);
      else {
        nodes.push(node);
        strangers.add(name);
      }
    } else nodes.push(node);
  }
  const isTensor = ({ name, type }: ValueInfoProto) =>
    (type?.value.case ?? "tensorType") === "tensorType" &&
    !nodes.some(({ opType, output }) => opType === "ZipMap" && output.includes(name));
  return {
    ...traits,
    inputs: graph.input.filter(({ name }) => !held.has(name) && !strangers.has(name)).map(portOf),
    outputs: graph.output.filter(isTensor).map(portOf),
    sequences: graph.output.filter((port) => !isTensor(port)).map(({ name }) => name),
    held: inOrderOfUse(held, nodes),
    unread,
    nodes,
    dropoutModes,
    dialect: { irVersion: model.irVersion, opsets: model.opsetImport, functions: model.functions },
  };
}

/** The values that PyTorch's exporter marks as parameters and buffers. */
const declaredIn = (values: readonly ValueInfoProto[]): ReadonlySet<string> =>
  new Set(
    values
      .filter(({ metadataProps }) =>
        metadataProps.some(
          ({ key, value }) =>
            key === "pkg.torch.export.graph_signature.InputSpec.kind" && /^(PARAMETER|BUFFER)$/.test(value),
        ),
      )
      .map(({ name }) => name),
  );

/** The model with other names of what it holds in its nodes; `held` are the values of these names. */
export const withNodes = (
  model: ForeignModel,
  nodes: readonly NodeProto[],
  held: ReadonlyMap<string, Held>,
): ForeignModel => {
  const { functions, opsets } = model.dialect;
  const traits = traitsOf({ graph: { node: nodes }, functions, opsetImport: opsets });
  return { ...model, ...traits, nodes, held: inOrderOfUse(held, nodes) };
};

/** Names that the nodes use and that nothing gives: weights that were not saved with the graph. */
export function missingValues({ inputs, held, nodes }: ForeignModel): string[] {
  const known = new Set([...inputs, ...held].map(({ name }) => name));
  const missing = new Set<string>();
  for (const node of nodes) {
    for (const name of [...node.input, ...capturedBy(node)]) if (name !== "" && !known.has(name)) missing.add(name);
    for (const name of node.output) known.add(name);
  }
  return [...missing];
}

/** Gives other outputs for a node, or undefined to leave it as it is. */
export type Substitute = (node: NodeProto, inputs: readonly (Value | null)[]) => readonly Value[] | undefined;

/** Applies the model's nodes to values: of its inputs and of everything held. Returns the value of a name. */
export function applyModel(
  graph: Graph,
  { nodes, random }: Pick<ForeignModel, "nodes" | "random">,
  given: (name: string) => Value,
  substitute: Substitute = () => undefined,
): (name: string) => Value {
  const values = new Map<string, Value>();
  const find = (name: string): Value => values.get(name) ?? given(name);
  nodes.forEach((node, at) => {
    const captured = capturedBy(node);
    const inputs = [...node.input, ...captured].map((name) => (name === "" ? null : find(name)));
    const outputs = substitute(node, inputs) ?? applyNode(graph, node, inputs, random.has(node) ? at : undefined);
    node.output.forEach((name, i) => {
      if (name && outputs[i]) values.set(name, outputs[i]);
    });
  });
  return find;
}

/** A node's attribute `axis`, also of a node of somebody else's model; -1 where it has none. */
export function axisOf({ attributes, foreign }: Node): number {
  const theirs = (foreign?.proto as NodeProto | undefined)?.attribute.find(({ name }) => name === "axis");
  return theirs ? Number(theirs.i) : Number(attributes.axis ?? -1);
}

/**
 * Adds one node; `inputs` are its own and those that its subgraphs capture. `draw` numbers a node that draws random numbers within its model: two of
 * them in one network are two draws, while networks that begin alike share theirs.
 */
export function applyNode(
  graph: Graph,
  node: NodeProto,
  inputs: readonly (Value | null)[],
  draw?: number,
): readonly Value[] {
  const types = node.output.map(() => undefined);
  const isRandom = draw !== undefined;
  const identity = `${identityOf(node)}${isRandom ? ` draw ${draw}` : ""}`;
  const foreign = { identity, op: node.opType, types, captured: capturedBy(node), isRandom, proto: node };
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
