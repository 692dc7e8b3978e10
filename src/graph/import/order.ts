// The order of nodes. A file may list them in any order in which each follows its inputs (the runtime also accepts
// other orders), so two exports of one network may differ. The order that follows from a graph's outputs is the same in
// both.
import type { FunctionProto, GraphProto, ModelProto, NodeProto } from "onnx-buf";
import { capturedBy, subgraphsOf } from "./nodes.ts";

/** A node and its index in its list. */
export interface Placed {
  readonly node: NodeProto;
  readonly place: number;
}

export const inFileOrder = (nodes: readonly NodeProto[]): Placed[] => nodes.map((node, place) => ({ node, place }));

/**
 * Sorts a model's nodes so that each follows its inputs; nodes that already do keep their order. The weights in a
 * function become its inputs in the order of its nodes, so those are sorted by the function's outputs. Changes the
 * model. Throws for a cycle.
 */
export function sortNodes({ graph, functions }: ModelProto): void {
  sortWithin(graph!);
  for (const one of functions) {
    sortWithin(one);
    one.node = sortByFlow(one.node, one.output).map(({ node }) => node);
  }
}

function sortWithin(list: GraphProto | FunctionProto): void {
  // subgraphs first, because their outer names count as inputs of the node
  for (const node of list.node) for (const inner of subgraphsOf(node)) sortWithin(inner);
  list.node = afterWhatTheyUse(list.node, list.node, (node) => [...node.input, ...capturedBy(node)]);
}

/**
 * The nodes in an order that does not depend on the list: back from the outputs through each node's inputs in turn.
 * Nodes that no output needs follow, in the order of the list.
 */
export function sortByFlow(nodes: readonly NodeProto[], outputs: readonly string[]): Placed[] {
  const makers = makersOf(nodes);
  const uses = new Map(nodes.map((node) => [node, [...node.input, ...capturedBy(node, sortNodesByFlow)]]));
  const used = new Set([...uses.values()].flat());
  const unused = nodes.filter(({ output }) => !output.some((name) => used.has(name)));
  const roots = [...outputs.flatMap((name) => makers.get(name) ?? []), ...unused];
  const places = new Map(nodes.map((node, place) => [node, place]));
  return afterWhatTheyUse(nodes, roots, (node) => uses.get(node)!).map((node) => ({ node, place: places.get(node)! }));
}

const sortNodesByFlow = (graph: GraphProto): NodeProto[] => sortGraphByFlow(graph).map(({ node }) => node);

/** {@link sortByFlow} for a subgraph, whose outputs are identified by index. */
export const sortGraphByFlow = ({ node, output }: GraphProto): Placed[] =>
  sortByFlow(
    node,
    output.map(({ name }) => name),
  );

/** The node that computes each value. */
export const makersOf = (nodes: readonly NodeProto[]): Map<string, NodeProto> =>
  new Map(nodes.flatMap((node) => node.output.filter(Boolean).map((name) => [name, node] as const)));

/** The roots and all nodes that they need; each follows its inputs. */
function afterWhatTheyUse(
  nodes: readonly NodeProto[],
  roots: Iterable<NodeProto>,
  usesOf: (node: NodeProto) => readonly string[],
): NodeProto[] {
  const makers = makersOf(nodes);
  const found = new Set<NodeProto>();
  const open = new Set<NodeProto>(); // nodes whose inputs are being followed
  for (const root of roots) {
    const stack = [root];
    for (let node = stack.at(-1); node; node = stack.at(-1)) {
      const isNew = !found.has(node) && !open.has(node);
      const before = isNew ? usesOf(node).flatMap((name) => makers.get(name) ?? []) : [];
      const waiting = before.filter((one) => !found.has(one)).reverse();
      const circle = waiting.find((one) => one === node || open.has(one));
      if (circle) throw new Error(`its node ${circle.name || circle.opType} needs its own output`);
      if (waiting.length) {
        open.add(node);
        stack.push(...waiting);
      } else {
        stack.pop();
        open.delete(node);
        found.add(node);
      }
    }
  }
  return [...found];
}
