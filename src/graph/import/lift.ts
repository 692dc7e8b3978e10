// Lifts weights from anywhere in a model to its graph, as if they were its initialisers: floating constants and
// initialisers of subgraphs, constants in local functions (which get an additional input for each), and sparse
// initialisers. What remains inside is not a weight, and belongs to the structure by which two models are compared.
import { create } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type FunctionProto,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
} from "onnx-buf";
import { isFloating, type Tensor } from "../../core/index.ts";
import { deepNodes, functionsOf, keyOfFunction, subgraphsOf } from "./nodes.ts";
import { constantOf, denseOf, isText, nameOfType, tensorOf } from "./tensors.ts";

/** A constant from the body of a function, now an input of the function. */
interface Extra {
  readonly owner: FunctionProto;
  readonly name: string;
  readonly tensor: Tensor;
}

/** Returns the outer name of a tensor that a list of nodes contained under a name. */
type Lift = (name: string, tensor: Tensor, isOutput: boolean) => string;

/**
 * Lifts the weights from all places except the graph's own nodes and initialisers; returns them by name. Changes the
 * model.
 */
export function liftWeights(model: ModelProto): Map<string, Tensor> {
  const graph = model.graph!;
  const lifted = new Map<string, Tensor>();
  const counts = countNames(graph);
  const free = (name: string) => {
    let found = name;
    for (let i = 2; counts.has(found) || lifted.has(found); i++) found = `${name}_${i}`;
    return found;
  };
  for (const sparse of graph.sparseInitializer) {
    const tensor = denseOf(sparse);
    if (!tensor)
      throw new Error(`its sparse initialiser ${sparse.values!.name} is ${nameOfType(sparse.values!.dataType)}`);
    lifted.set(sparse.values!.name, tensor);
  }
  graph.sparseInitializer = [];

  const extras = extrasOf(model);
  const given = new Map<Extra, string>();
  const prefixes = prefixesOf(model);
  const giveExtra = (extra: Extra) => {
    const name = given.get(extra) ?? free(`${prefixes.get(extra.owner)!}.${extra.name}`);
    given.set(extra, name);
    lifted.set(name, extra.tensor);
    return name;
  };
  callWith(graph.node, extras, giveExtra);

  for (const node of graph.node)
    for (const { name: attribute, g, graphs } of node.attribute)
      for (const inner of g ? [g] : graphs)
        emptySubgraph(inner, (name, tensor, isOutput) => {
          // a subgraph sees outer names, so a unique name is kept
          const isOnly = counts.get(name) === 1 && !lifted.has(name);
          const outer = isOnly && !isOutput ? name : free(`${node.name || node.opType}.${attribute}.${name}`);
          lifted.set(outer, tensor);
          return outer;
        });
  return lifted;
}

/** The number of values with each name in a graph and its subgraphs. */
function countNames(graph: GraphProto): Map<string, number> {
  const counts = new Map<string, number>();
  const count = (name: string) => counts.set(name, (counts.get(name) ?? 0) + 1);
  const within = [graph, ...[...deepNodes(graph.node)].flatMap(subgraphsOf)];
  for (const { node, initializer, sparseInitializer, input } of within) {
    const initialisers = new Set(
      [...initializer, ...sparseInitializer.map(({ values }) => values!)].map((t) => t.name),
    );
    for (const name of initialisers) count(name);
    for (const { name } of input) if (!initialisers.has(name)) count(name);
    for (const { output } of node) for (const name of output) count(name);
  }
  return counts;
}

/** The nodes without floating constants; where `lift` renames one, an Identity replaces it. */
function withoutConstants(nodes: readonly NodeProto[], outputs: ReadonlySet<string>, lift: Lift): NodeProto[] {
  return nodes.flatMap((node) => {
    for (const graph of subgraphsOf(node)) emptySubgraph(graph, lift);
    const tensor = node.opType === "Constant" && node.domain === "" ? constantOf(node) : undefined;
    if (!tensor || !isFloating(tensor.dtype)) return [node];
    const [name] = node.output;
    const outer = lift(name, tensor, outputs.has(name));
    return outer === name ? [] : [identity(outer, name)];
  });
}

/**
 * Removes all initialisers from a subgraph: weights are lifted, others become constant nodes, which are compared like
 * any node.
 */
function emptySubgraph(graph: GraphProto, lift: Lift): void {
  const outputs = new Set(graph.output.map(({ name }) => name));
  const first: NodeProto[] = [];
  const inputs = new Set(graph.input.map(({ name }) => name));
  const move = (name: string, tensor: Tensor | undefined, constant: NodeProto) => {
    if (inputs.has(name)) return false; // a default, which the caller of the subgraph replaces
    const outer = tensor && isFloating(tensor.dtype) ? lift(name, tensor, outputs.has(name)) : undefined;
    if (outer === undefined) first.push(constant);
    else if (outer !== name) first.push(identity(outer, name));
    return true;
  };
  graph.initializer = graph.initializer.filter((t) => !move(t.name, tensorOf(t), constantNode(t)));
  graph.sparseInitializer = graph.sparseInitializer.filter((sparse) => {
    const value = create(AttributeProtoSchema, {
      name: "sparse_value",
      type: AttributeProto_AttributeType.SPARSE_TENSOR,
      sparseTensor: sparse,
    });
    const { name } = sparse.values!;
    return !move(
      name,
      denseOf(sparse),
      create(NodeProtoSchema, { opType: "Constant", output: [name], attribute: [value] }),
    );
  });
  graph.node = [...first, ...withoutConstants(graph.node, outputs, lift)];
}

const identity = (from: string, to: string) =>
  create(NodeProtoSchema, { opType: "Identity", input: [from], output: [to] });

/** A node whose output is a tensor. */
export const constantNode = (t: TensorProto): NodeProto =>
  create(NodeProtoSchema, {
    opType: "Constant",
    output: [t.name],
    attribute: [create(AttributeProtoSchema, { name: "value", type: AttributeProto_AttributeType.TENSOR, t })],
  });

/**
 * Lifts the weights from the bodies of all functions; returns the additional inputs of each, including those of
 * functions that it calls.
 */
function extrasOf(model: ModelProto): (node: NodeProto) => readonly Extra[] {
  const functions = functionsOf(model);
  const known = new Map<FunctionProto, { extras: Extra[]; inputs: number; isDone: boolean }>();
  const visit = (owner: FunctionProto) => {
    const before = known.get(owner);
    if (before && !before.isDone) throw new Error(`its function ${owner.name} calls itself`);
    if (before) return before;
    const all = { extras: [] as Extra[], inputs: owner.input.length, isDone: false };
    known.set(owner, all);
    const names = new Map<Extra, string>();
    const take = (extra: Extra) => {
      if (!names.has(extra)) {
        names.set(extra, `weight~${all.extras.length}`);
        all.extras.push(extra);
        owner.input.push(names.get(extra)!);
      }
      return names.get(extra)!;
    };
    callWith(owner.node, lookUp, take);
    owner.node = withoutConstants(owner.node, new Set(), (name, tensor) => take({ owner, name, tensor }));
    all.isDone = true;
    return all;
  };
  const lookUp = (node: NodeProto): readonly Extra[] => {
    const body = functions.get(keyOfFunction(node));
    if (!body) return [];
    const { extras, inputs } = visit(body);
    // a call may leave out optional inputs at the end
    if (extras.length) while (node.input.length < inputs) node.input.push("");
    return extras;
  };
  for (const one of model.functions) visit(one);
  return lookUp;
}

/** Adds the additional inputs to every call of a function. */
function callWith(
  nodes: readonly NodeProto[],
  extras: (node: NodeProto) => readonly Extra[],
  give: (extra: Extra) => string,
) {
  for (const node of deepNodes(nodes)) node.input.push(...extras(node).map(give));
}

/** Prefixes for the names of functions' weights: the calling node if there is only one, else the function's name. */
function prefixesOf(model: ModelProto): Map<FunctionProto, string> {
  const functions = functionsOf(model);
  const calls = new Map<FunctionProto, { name: string; from?: FunctionProto }[]>();
  const collect = (nodes: Iterable<NodeProto>, from?: FunctionProto) => {
    for (const node of deepNodes(nodes)) {
      const called = functions.get(keyOfFunction(node));
      if (called) calls.set(called, [...(calls.get(called) ?? []), { name: node.name, from }]);
    }
  };
  collect(model.graph!.node);
  for (const one of model.functions) collect(one.node, one);
  const prefixOf = (one: FunctionProto, depth = 0): string => {
    const [call, ...others] = calls.get(one) ?? [];
    if (!call?.name || others.length || depth > functions.size) return one.name;
    return call.from ? `${prefixOf(call.from, depth + 1)}.${call.name}` : call.name;
  };
  return new Map(model.functions.map((one) => [one, prefixOf(one)]));
}

/**
 * Turns the graph's initialisers of unsupported types into constant nodes, unchanged. Changes the model, and returns
 * the names and types of the numeric ones.
 */
export function keepUnread(graph: GraphProto, isRead: (type: number) => boolean): { name: string; type: string }[] {
  const unread = graph.initializer.filter(({ dataType }) => !isRead(dataType));
  const outside = unread.find(({ dataLocation }) => dataLocation === TensorProto_DataLocation.EXTERNAL);
  if (outside)
    throw new Error(
      `its initialiser ${outside.name} is ${nameOfType(outside.dataType)} in another file, which is not supported`,
    );
  graph.initializer = graph.initializer.filter(({ dataType }) => isRead(dataType));
  graph.node = [...unread.map(constantNode), ...graph.node];
  return unread.flatMap(({ name, dataType }) => (isText(dataType) ? [] : [{ name, type: nameOfType(dataType) }]));
}
