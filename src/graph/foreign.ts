// A foreign ONNX model (from the user's file) as a function of its weights. Its operations may be unknown; only which
// node uses which value matters. If it is applied several times in one graph, nodes that depend only on equal weights
// are shared. Subgraphs (If, Loop) and local functions are kept unchanged; outer values that a subgraph uses count as
// inputs of its node.
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
import { nameStandardDomain, removeDropout } from "./import/normalise.ts";
import { sortNodes } from "./import/order.ts";
import { constantOf } from "./import/tensors.ts";
import { type Traits, traitsOf } from "./import/traits.ts";
import { dtypeOfOnnx } from "./ops/index.ts";

/** An input or output as the model declares it; a free size is a name or `undefined`. */
export interface Port {
  readonly name: string;
  readonly dtype: DType | undefined;
  readonly shape: readonly (number | string | undefined)[] | undefined;
}

/** A value in the model that may be replaced: an initialiser or a constant, anywhere in the model. */
export interface Held {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Its first use: the node's name, the operation, the index of the input, and the exporter's metadata of the node. */
  readonly use?: {
    readonly node: string;
    readonly op: string;
    readonly input: number;
    readonly metadata?: NodeProto["metadataProps"];
  };
  /** Absent for initialisers, which the checkpoint reader reads. */
  readonly tensor?: Tensor;
  /** The exporter marks it as a parameter or a buffer of the model (PyTorch since 2.6). */
  readonly isDeclared?: boolean;
  /** The initialiser that this one copies: exporters store equal ones once. */
  readonly copyOf?: string;
  /** A bias that the file lacks and another has: `tensor` is its zeros. */
  readonly isDropped?: boolean;
}

/** The declarations of a foreign model, which a serialised graph with its nodes must repeat. */
export interface Dialect {
  readonly irVersion: bigint;
  readonly opsets: readonly { readonly domain: string; readonly version: bigint }[];
  readonly functions: ModelProto["functions"];
}

export interface ForeignModel extends Traits {
  /** Inputs without an initialiser. */
  readonly inputs: readonly Port[];
  /** Outputs that are tensors. */
  readonly outputs: readonly Port[];
  /** Names of the other outputs, such as a sequence of maps. */
  readonly sequences: readonly string[];
  /** In the order of their first use. */
  readonly held: readonly Held[];
  /** Numeric initialisers of an unsupported type. */
  readonly unread: readonly { readonly name: string; readonly type: string }[];
  readonly nodes: readonly NodeProto[];
  /** Values that switch dropouts to training mode; dropouts are removed on import. */
  readonly dropoutModes: readonly string[];
  readonly dialect: Dialect;
}

/** Reads a model's structure. Throws when the bytes are not an ONNX model. */
export function importModel(bytes: Uint8Array): ForeignModel {
  const model = fromBinary(ModelProtoSchema, bytes);
  const { graph } = model;
  if (!graph) throw new Error("it does not contain a graph");
  nameStandardDomain(model);
  sortNodes(model);
  const dropoutModes = removeDropout(model);
  const unread = keepUnread(graph, (type) => dtypeOfOnnx(type) !== undefined);
  const held = new Map<string, Held>();
  const declared = findDeclared(graph.valueInfo);
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
  const unknown = new Set<string>(); // constants of unsupported types
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
        unknown.add(name);
      }
    } else nodes.push(node);
  }
  const isTensor = ({ name, type }: ValueInfoProto) =>
    (type?.value.case ?? "tensorType") === "tensorType" &&
    !nodes.some(({ opType, output }) => opType === "ZipMap" && output.includes(name));
  return {
    ...traits,
    inputs: graph.input.filter(({ name }) => !held.has(name) && !unknown.has(name)).map(portOf),
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
const findDeclared = (values: readonly ValueInfoProto[]): ReadonlySet<string> =>
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

/** The model with other nodes, which may rename held values; `held` has the values by their new names. */
export const withNodes = (
  model: ForeignModel,
  nodes: readonly NodeProto[],
  held: ReadonlyMap<string, Held>,
): ForeignModel => {
  const { functions, opsets } = model.dialect;
  const traits = traitsOf({ graph: { node: nodes }, functions, opsetImport: opsets });
  return { ...model, ...traits, nodes, held: inOrderOfUse(held, nodes) };
};

/** Names that the nodes use but nothing defines: weights that were not saved with the graph. */
export function missingValues({ inputs, held, nodes }: ForeignModel): string[] {
  const known = new Set([...inputs, ...held].map(({ name }) => name));
  const missing = new Set<string>();
  for (const node of nodes) {
    for (const name of [...node.input, ...capturedBy(node)]) if (name !== "" && !known.has(name)) missing.add(name);
    for (const name of node.output) known.add(name);
  }
  return [...missing];
}

/** Returns replacement outputs for a node, or undefined to keep it. */
export type Substitute = (node: NodeProto, inputs: readonly (Value | null)[]) => readonly Value[] | undefined;

/** Applies the model's nodes to values of its inputs and held values. Returns a function from names to values. */
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

/** A node's attribute `axis`, also of a foreign node; -1 where it has none. */
export function axisOf({ attributes, foreign }: Node): number {
  const theirs = (foreign?.proto as NodeProto | undefined)?.attribute.find(({ name }) => name === "axis");
  return theirs ? Number(theirs.i) : Number(attributes.axis ?? -1);
}

/**
 * Adds one node; `inputs` are its own and those that its subgraphs capture. `draw` is the number of a random node
 * within its model, so two random nodes of a network are never merged, while mixes with a common prefix share theirs.
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

/** Adds a standard operation with one output to a graph of foreign nodes, whose types are unknown. */
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

/** The node with new names, for serialising. */
export function renameNode(
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
    metadataProps: [], // the exporter's source lines: without them, equal segments are equal bytes
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

/** Identifies the operation and its attributes. */
export function identityOf(node: NodeProto): string {
  let identity = identities.get(node);
  if (identity === undefined) {
    const { opType, domain, overload, attribute } = node;
    const rest = toBinary(NodeProtoSchema, create(NodeProtoSchema, { opType, domain, overload, attribute }));
    // some operations compute something else without their optional outputs
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
