// The walk of every lowering: rebuilds a graph node by node and leaves each value in the layout of the node that
// computed it. A node without a form in the rows layout is computed in the plain layout, with conversions before and
// after.
import { Graph, type Node, nodesOf, type Value } from "../graph.ts";
import { plain } from "./plain.ts";
import { fromRows, type Rows, toRows } from "./rows.ts";

/** A value of the lowered graph, with its layout; plain if undefined. */
export interface Laid {
  readonly value: Value;
  readonly rows?: Rows;
}

/** By operation: its form in another layout; undefined where the shapes do not fit. */
export type Layouts = Readonly<Record<string, (node: Node, inputs: readonly Laid[]) => Laid | undefined>>;

/** Rebuilds the named outputs in a new graph in which every operation can run. */
export function rebuild(outputs: Readonly<Record<string, Value>>, layouts: Layouts): Record<string, Value> {
  const target = new Graph();
  const moved = new Map<string, Laid>();
  for (const node of nodesOf(Object.values(outputs))) {
    const inputs = node.inputs.map((v) => (v ? moved.get(v.key)! : null));
    const laid = lowerNode(target, node, inputs, layouts);
    node.outputs.forEach((v, i) => {
      if (laid[i]) moved.set(v.key, laid[i]);
    });
  }
  return Object.fromEntries(Object.entries(outputs).map(([name, v]) => [name, inPlain(moved.get(v.key)!)]));
}

const inPlain = ({ value, rows }: Laid): Value => (rows ? fromRows(value, rows) : value);
export const inRows = ({ value, rows }: Laid, wanted: Rows): Value => (rows ? value : toRows(value, wanted));

function lowerNode(target: Graph, node: Node, inputs: readonly (Laid | null)[], layouts: Layouts): readonly Laid[] {
  const [type] = node.outputs;
  if (node.op === "Input") return [{ value: target.input(String(node.attributes.name), type.dtype, type.shape) }];
  if (node.tensor) return [{ value: target.constant(node.tensor) }];
  const laid = layouts[node.op]?.(node, inputs as Laid[]);
  if (laid) return [laid];
  const values = inputs.map((one) => one && inPlain(one));
  const results = plain[node.op]?.(values as Value[], node) ?? target.apply(node.op, values, node.attributes);
  return results.map((value) => ({ value }));
}
