// Prints a graph as text, one node per line, for snapshots and for reading:
// `%3 = Conv(%0, conv1.weight) {strides=[1,1]} : float32[8,4,32,32]`.
import { toNumbers } from "../core/index.ts";
import { type Node, nodesOf, type Value } from "./graph.ts";

/**
 * A graph as text: the nodes that the named outputs depend on, one a line, in topological order. Numbering starts at 0,
 * so equal graphs print equally.
 * @example
 * ```ts
 * import { add, Graph, print } from "layerwise/graph";
 *
 * const graph = new Graph();
 * const x = graph.input("x", "float32", [2]);
 * console.log(print({ y: add(x, 1) }));
 * // input x : float32[2]
 * // %0 = Add(x, 1) : float32[2]
 * // output y = %0
 * ```
 */
export function print(outputs: Readonly<Record<string, Value>>): string {
  const names = new Map<string, string>();
  const lines: string[] = [];
  const type = ({ known }: Value) => (known ? `${known.dtype}[${known.shape}]` : "?");
  let count = 0;
  for (const node of nodesOf(Object.values(outputs))) {
    if (node.op === "Input") {
      names.set(node.outputs[0].key, String(node.attributes.name));
      lines.push(`input ${node.attributes.name} : ${type(node.outputs[0])}`);
    } else if (node.op === "Constant") {
      names.set(node.outputs[0].key, constantText(node));
    } else {
      const own = node.outputs.map((v) => {
        names.set(v.key, `%${count++}`);
        return names.get(v.key);
      });
      const inputs = node.inputs.map((v) => (v ? names.get(v.key) : "-")).join(", ");
      const attributes = Object.entries(node.attributes).map(
        ([k, v]) => `${k}=${typeof v === "object" ? `[${v}]` : v}`,
      );
      const braces = attributes.length ? ` {${attributes.join(" ")}}` : "";
      lines.push(`${own.join(", ")} = ${node.op}(${inputs})${braces} : ${node.outputs.map(type).join(", ")}`);
    }
  }
  for (const [name, value] of Object.entries(outputs)) lines.push(`output ${name} = ${names.get(value.key)}`);
  return `${lines.join("\n")}\n`;
}

function constantText({ tensor, outputs: [value] }: Node): string {
  if (tensor!.data.length > 8) return `const ${value.dtype}[${value.shape}]`;
  const numbers = Array.from(toNumbers(tensor!), (x) => Number(x.toPrecision(6)));
  return value.shape.length ? `[${numbers}]` : String(numbers[0]);
}
