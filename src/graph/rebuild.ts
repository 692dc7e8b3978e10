// A piece of one graph built anew in another one, over values that stand for what lies outside the piece. Done several times with some of
// these equal, the nodes that depend on equal values only are one, as in any graph.
import { type Graph, type Node, type Type, type Value, withType } from "./graph.ts";

/**
 * Builds `values` in `graph`. `given` names what stands for a value there; what a value without a stand-in is made from is built too.
 * Returns the stand-in or copy of a value. Throws for an input without a stand-in. `typeOf` changes types that the graph was told.
 */
export function rebuild(
  graph: Graph,
  values: Iterable<Value>,
  given: (value: Value) => Value | undefined,
  typeOf: (known: Type) => Type = (known) => known,
): (value: Value) => Value {
  const made = new Map<string, Value>();
  const needed = new Set<Node>();
  const stack = [...values];
  for (let value = stack.pop(); value; value = stack.pop()) {
    if (made.has(value.key)) continue;
    const standIn = given(value);
    if (standIn) made.set(value.key, standIn);
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
    copy(graph, node, find).forEach((value, i) => {
      const { key } = node.outputs[i];
      if (!made.has(key)) made.set(key, value);
    });
  return find;
}

function copy(graph: Graph, node: Node, find: (value: Value) => Value): readonly Value[] {
  if (node.tensor) return [graph.constant(node.tensor)];
  if (node.op === "Input") throw new Error(`nothing stands for input ${node.attributes.name}`);
  const inputs = node.inputs.map((input) => input && find(input));
  return node.foreign ? graph.foreign(node.foreign, inputs) : graph.apply(node.op, inputs, node.attributes);
}
