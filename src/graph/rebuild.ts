// A piece of one graph copied into another one, over given values for what is outside the piece. Copied several times with some of these
// equal, the nodes that depend on equal values only are one, as in any graph.
import { type Graph, type Node, type Type, type Value, withType } from "./graph.ts";

/** What stands for a node of one output over given inputs; undefined for the node itself. */
export type Form = (node: Node, inputs: readonly (Value | null)[]) => Value | undefined;

/**
 * Builds `values` in `graph`. `given` gives the value to use for one, or undefined to copy it with what it is made from. Returns the
 * given value or the copy of each. Throws for an input that is not given. `typeOf` changes types that were learned outside the graph,
 * `formOf` nodes.
 */
export function rebuild(
  graph: Graph,
  values: Iterable<Value>,
  given: (value: Value) => Value | undefined,
  typeOf: (known: Type) => Type = (known) => known,
  formOf: Form = () => undefined,
): (value: Value) => Value {
  const made = new Map<string, Value>();
  const needed = new Set<Node>();
  const stack = [...values];
  for (let value = stack.pop(); value; value = stack.pop()) {
    if (made.has(value.key)) continue;
    const own = given(value);
    if (own) made.set(value.key, own);
    else if (!needed.has(value.node)) {
      needed.add(value.node);
      for (const input of value.node.inputs) if (input) stack.push(input);
    }
  }
  // a type that was learned outside the graph (see withType) is needed by operations that infer theirs
  const find = ({ key, known }: Value): Value => {
    const value = made.get(key)!;
    return known && !value.known ? withType(value, typeOf(known)) : value;
  };
  for (const node of [...needed].sort((a, b) => a.id - b.id))
    copy(graph, node, find, formOf).forEach((value, i) => {
      const { key } = node.outputs[i];
      if (!made.has(key)) made.set(key, value);
    });
  return find;
}

function copy(graph: Graph, node: Node, find: (value: Value) => Value, formOf: Form): readonly Value[] {
  if (node.tensor) return [graph.constant(node.tensor)];
  if (node.op === "Input") throw new Error(`no value is given for input ${node.attributes.name}`);
  const inputs = node.inputs.map((input) => input && find(input));
  if (node.foreign) return graph.foreign(node.foreign, inputs);
  const form = formOf(node, inputs);
  return form ? [form] : graph.apply(node.op, inputs, node.attributes);
}
