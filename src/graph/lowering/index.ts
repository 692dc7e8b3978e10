// Lowering: the graph speaks of convolutions and their gradients, the runtime has neither gradient. A lowering is a table from an
// operation to the operations that run in its place; a node without an entry stays as it is. Faster forms are further tables.
import { Graph, nodesOf, type Value } from "../graph.ts";
import type { Lowering } from "./lowering.ts";
import { plain } from "./plain.ts";

export { lowerFast } from "./fast.ts";
export type { Lowering } from "./lowering.ts";
export { plain } from "./plain.ts";

/** The named outputs rebuilt in a graph of their own in which every operation runs. */
export function lower(outputs: Readonly<Record<string, Value>>, lowering: Lowering = plain): Record<string, Value> {
  const target = new Graph();
  const moved = new Map<string, Value>();
  for (const node of nodesOf(Object.values(outputs))) {
    const inputs = node.inputs.map((v) => (v ? moved.get(v.key)! : null));
    let results: readonly Value[];
    if (node.op === "Input")
      results = [target.input(String(node.attributes.name), node.outputs[0].dtype, node.outputs[0].shape)];
    else if (node.tensor) results = [target.constant(node.tensor)];
    else results = lowering[node.op]?.(inputs as Value[], node) ?? target.apply(node.op, inputs, node.attributes);
    node.outputs.forEach((v, i) => {
      if (results[i]) moved.set(v.key, results[i]);
    });
  }
  return Object.fromEntries(Object.entries(outputs).map(([name, v]) => [name, moved.get(v.key)!]));
}
