// Copies a part of one graph into another, with given values for the rest. After several copies with some values equal,
// nodes that depend only on equal values are shared, as in any graph.
import { type Graph, type Node, type Type, type Value, withType } from "./graph.ts";

/** Returns a replacement for a node with one output, over given inputs; undefined keeps the node. */
export type Form = (node: Node, inputs: readonly (Value | null)[]) => Value | undefined;

/**
 * Builds `values` in `graph`. `given` returns the value to use in place of one, or undefined to copy it with its
 * inputs. The result maps each value to the given value or its copy. Throws for an input that is not given. `typeOf`
 * changes types that are known from outside the graph; `formOf` replaces nodes.
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
  // type inference needs types that are known from outside the graph (see withType)
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
