// Whether a segment treats every position of its rows separately, as the last layers of a language model do, judged by
// a short list of operations.
import type { Tensor } from "../../core/index.ts";
import { axisOf, type Node, nodesOf, type Value } from "../../graph/index.ts";
import type { Segment } from "./cuts.ts";
import { heldName } from "./segment-graph.ts";

const elementwise = new Set(["Cast", "Identity", "Tanh", "Log", "Relu", "Sigmoid", "Add", "Sub", "Mul", "Div"]);
const overLastAxis = new Set(["LayerNormalization", "SimplifiedLayerNormalization", "RMSNormalization"]);

/** True where `result` [samples, positions, …] at a position depends only on the segment's inputs at that position. */
export function isByPosition(segment: Segment, result: Value, weights: ReadonlyMap<string, Tensor>): boolean {
  const own = new Set(segment.nodes);
  const heldAt = new Map(segment.held.map(({ value }, i) => [value.key, i]));
  const enters = new Set(segment.enters.map(({ key }) => key));
  /** True where all axes of a weight or constant before the last `rank` have length one. */
  const isLastAxes = (value: Value, rank: number): boolean => {
    const [from] = value.node.inputs;
    if (value.node.op === "Transpose" && from) return rank > 1 && isLastAxes(from, rank); // of a weight
    const at = heldAt.get(value.key);
    const shape = at === undefined ? value.node.tensor?.shape : weights.get(heldName(at, 0))?.shape;
    return shape?.slice(0, Math.max(0, shape.length - rank)).every((n) => n === 1) ?? false;
  };
  const isRows = (value: Value) => enters.has(value.key) || own.has(value.node);
  const isAllowed = (node: Node) => {
    const { op, inputs } = node;
    if (op === "MatMul") return isRows(inputs[0]!) && !isRows(inputs[1]!) && isLastAxes(inputs[1]!, 2);
    const isVectors = inputs.every((value, i) => !value || (i === 0 && isRows(value)) || isLastAxes(value, 1));
    if (overLastAxis.has(op)) return isVectors && [-1, 2].includes(axisOf(node));
    return elementwise.has(op) && inputs.every((value) => !value || isRows(value) || isLastAxes(value, 1));
  };
  return nodesOf([result])
    .filter((node) => own.has(node))
    .every(isAllowed);
}
