// A gradient rule maps the gradient of an operation's first output to the gradients of its inputs.
import type { Node, Value } from "../graph.ts";
import { reduceSum } from "../ops/reduction.ts";
import { reshape } from "../ops/shape.ts";

/**
 * dy has the shape of the first output y; x are the inputs. Returns a gradient for each input, `null` for inputs
 * without one (indices, shapes, conditions). Only first outputs are differentiable.
 */
export type Rule = (dy: Value, x: readonly Value[], y: Value, node: Node) => readonly (Value | null)[];

/** Sums a broadcast gradient back to the shape that was broadcast. */
export function sumTo(dy: Value, shape: readonly number[]): Value {
  const extra = dy.shape.length - shape.length;
  const axes = dy.shape.map((_, i) => i).filter((i) => i < extra || (shape[i - extra] === 1 && dy.shape[i] !== 1));
  return reshape(reduceSum(dy, axes, { keep: true }), shape);
}
