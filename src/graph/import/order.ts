// The order of nodes. A file may list them in any in which each follows what it uses (and the runtime also takes others), so two exports of one network
// may differ in it. The order that follows from a graph's outputs is the same in both.
import type { FunctionProto, GraphProto, ModelProto, NodeProto } from "onnx-buf";
import { capturedBy, subgraphsOf } from "./nodes.ts";

/** A node and its place in its list. */
export interface Placed {
  readonly node: NodeProto;
  readonly place: number;
}

export const asListed = (nodes: readonly NodeProto[]): Placed[] => nodes.map((node, place) => ({ node, place }));

/**
 * Puts every node of a model behind what it uses; those that are stay. The weights in a function become inputs of it, by their order, so its nodes
 * are put into that of its outputs. Changes the model. Throws for a circle.
 */
export function sortNodes({ graph, functions }: ModelProto): void {
  sortWithin(graph!);
  for (const one of functions) {
    sortWithin(one);
    one.node = byFlow(one.node, one.output).map(({ node }) => node);
  }
}

function sortWithin(list: GraphProto | FunctionProto): void {
  // what a node's subgraphs use counts, so these come first
  for (const node of list.node) for (const inner of subgraphsOf(node)) sortWithin(inner);
  list.node = afterWhatTheyUse(list.node, list.node, (node) => [...node.input, ...capturedBy(node)]);
}

/**
 * The nodes in an order that does not depend on that of the list: back from the outputs, each node's inputs in turn. What no output needs follows, in
 * the order of the list.
 */
export function byFlow(nodes: readonly NodeProto[], outputs: readonly string[]): Placed[] {
  const makers = makersOf(nodes);
  const uses = new Map(nodes.map((node) => [node, [...node.input, ...capturedBy(node, nodesByFlow)]]));
  const used = new Set([...uses.values()].flat());
  const unused = nodes.filter(({ output }) => !output.some((name) => used.has(name)));
  const roots = [...outputs.flatMap((name) => makers.get(name) ?? []), ...unused];
  const places = new Map(nodes.map((node, place) => [node, place]));
  return afterWhatTheyUse(nodes, roots, (node) => uses.get(node)!).map((node) => ({ node, place: places.get(node)! }));
}

const nodesByFlow = (graph: GraphProto): NodeProto[] => graphByFlow(graph).map(({ node }) => node);

/** Those of a subgraph, whose outputs are known by their places. */
export const graphByFlow = ({ node, output }: GraphProto): Placed[] =>
  byFlow(
    node,
    output.map(({ name }) => name),
  );

/** Which node gives a value. */
const makersOf = (nodes: readonly NodeProto[]): Map<string, NodeProto> =>
  new Map(nodes.flatMap((node) => node.output.filter(Boolean).map((name) => [name, node] as const)));

/** The roots and all that they need, each after what it uses. */
function afterWhatTheyUse(
  nodes: readonly NodeProto[],
  roots: Iterable<NodeProto>,
  usesOf: (node: NodeProto) => readonly string[],
): NodeProto[] {
  const makers = makersOf(nodes);
  const found = new Set<NodeProto>();
  const open = new Set<NodeProto>(); // those whose inputs are being followed
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
