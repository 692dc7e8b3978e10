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

/** True where `isOfKind` holds for the node, or for one in its subgraphs or in the function that it calls. */
export function contains(node: NodeProto, functions: Functions, isOfKind: (node: NodeProto) => boolean): boolean {
  for (const inner of deepNodes([node])) {
    const body = functions.get(keyOfFunction(inner))?.node;
    if (body ? body.some((one) => contains(one, functions, isOfKind)) : isOfKind(inner)) return true;
  }
  return false;
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
