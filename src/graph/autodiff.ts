// Reverse-mode differentiation: walks the graph from the loss back to the parameters and applies one rule per node. The
// gradient is a graph of the same operations; unused parts are never serialised.
import { sizeOf } from "../core/index.ts";
import { rules } from "./gradients/index.ts";
import { nodesOf, type Value } from "./graph.ts";
import { add, scalar } from "./ops/elementwise.ts";
import { expand, zeros } from "./ops/shape.ts";

/**
 * The gradient of a loss (one element) with respect to each value, in their shapes; zero where the loss does not depend
 * on one. Throws an Error if the loss has more elements, or a node on the way has no gradient rule.
 * @example
 * ```ts
 * import { gradients, Graph, mul, reduceSum } from "layerwise/graph";
 *
 * const graph = new Graph();
 * const x = graph.input("x", "float32", [3]);
 * const [gradient] = gradients(reduceSum(mul(x, x), [0]), [x]);
 * console.log(gradient.shape); // [ 3 ]
 * ```
 */
export function gradients(loss: Value, wrt: readonly Value[]): Value[] {
  if (sizeOf(loss.shape) !== 1) throw new Error(`a loss has one element, this one has shape [${loss.shape}]`);
  const nodes = nodesOf([loss]);
  const relevant = new Set(wrt.map((v) => v.node));
  for (const node of nodes) if (node.inputs.some((x) => x && relevant.has(x.node))) relevant.add(node);

  const gradient = new Map<string, Value>([[loss.key, expand(scalar(loss.graph, loss.dtype, 1), loss.shape)]]);
  for (const node of nodes.reverse()) {
    if (!relevant.has(node) || node.op === "Input" || node.op === "Constant") continue;
    if (node.outputs.slice(1).some((v) => gradient.has(v.key)))
      throw new Error(`only the first output of ${node.op} is differentiable`);
    const dy = gradient.get(node.outputs[0].key);
    if (!dy) continue;
    const rule = rules[node.op];
    if (!rule) throw new Error(`no gradient rule for ${node.op}`);
    rule(dy, node.inputs as readonly Value[], node.outputs[0], node).forEach((dx, i) => {
      const x = node.inputs[i];
      if (!dx || !x || !relevant.has(x.node)) return;
      if (String(dx.shape) !== String(x.shape))
        throw new Error(`rule of ${node.op}: gradient [${dx.shape}] for input [${x.shape}]`);
      const before = gradient.get(x.key);
      gradient.set(x.key, before ? add(before, dx) : dx);
    });
  }
  return wrt.map((v) => gradient.get(v.key) ?? zeros(v, v.shape));
}
