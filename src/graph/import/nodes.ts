// Walks the nodes of an ONNX model, including its subgraphs (If, Loop, Scan) and local functions.
import type { FunctionProto, GraphProto, ModelProto, NodeProto } from "onnx-buf";

/** The graphs in a node's attributes. */
export const subgraphsOf = (node: NodeProto): GraphProto[] =>
  node.attribute.flatMap(({ g, graphs }) => (g ? [g, ...graphs] : graphs));

/** All nodes; each comes before the nodes of its subgraphs. */
export function* deepNodes(nodes: Iterable<NodeProto>): Generator<NodeProto> {
  for (const node of nodes) {
    yield node;
    for (const graph of subgraphsOf(node)) yield* deepNodes(graph.node);
  }
}

/** Every list of nodes: of the graph, its subgraphs, and functions. */
export function* nodeLists({ graph, functions }: Pick<ModelProto, "graph" | "functions">) {
  for (const owner of [...(graph ? [graph] : []), ...functions]) {
    yield owner;
    for (const node of deepNodes(owner.node)) yield* subgraphsOf(node);
  }
}

/** The key by which a node calls a function. */
export const keyOfFunction = ({ domain, overload, ...rest }: NodeProto | FunctionProto): string =>
  JSON.stringify([domain, "opType" in rest ? rest.opType : rest.name, overload]);

export type Functions = ReadonlyMap<string, FunctionProto>;

export const functionsOf = ({ functions }: Pick<ModelProto, "functions">): Functions =>
  new Map(functions.map((one) => [keyOfFunction(one), one]));

/** A node that is not a call, and the operations around it, the innermost first. */
export interface Inner {
  readonly node: NodeProto;
  readonly within: readonly string[];
}

/** The node itself and those in its subgraphs, or those of the function that it calls. */
export function* innerNodes(
  node: NodeProto,
  functions: Functions,
  within: readonly string[] = [],
): Generator<Inner, undefined> {
  const body = functions.get(keyOfFunction(node))?.node;
  if (!body) yield { node, within };
  for (const one of body ?? subgraphsOf(node).flatMap((graph) => graph.node))
    yield* innerNodes(one, functions, [node.opType, ...within]);
}

type NodesOf = (graph: GraphProto) => readonly NodeProto[];

/**
 * The outer names that a node's subgraphs use, in the order of the subgraphs' nodes, or in the order given by
 * `nodesOf`.
 */
export function capturedBy(node: NodeProto, nodesOf: NodesOf = (graph) => graph.node): string[] {
  return [...new Set(subgraphsOf(node).flatMap((graph) => outerNames(graph, nodesOf)))];
}

function outerNames(graph: GraphProto, nodesOf: NodesOf): string[] {
  const own = new Set([...graph.input, ...graph.initializer].map(({ name }) => name));
  const outer: string[] = [];
  for (const node of nodesOf(graph)) {
    outer.push(...[...node.input, ...capturedBy(node, nodesOf)].filter((name) => name !== "" && !own.has(name)));
    for (const name of node.output) own.add(name);
  }
  outer.push(...graph.output.map(({ name }) => name).filter((name) => !own.has(name)));
  return outer;
}
