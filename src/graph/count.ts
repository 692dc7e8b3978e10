// Counts a graph's arithmetic in convolutions and matrix products, to estimate its time on another machine.
import { sizeOf } from "../core/index.ts";
import { type Node, nodesOf, type Value } from "./graph.ts";

/** The number of multiplications of each operation. */
const counts: Readonly<Record<string, (node: Node) => number>> = {
  MatMul: ({ inputs: [a], outputs: [y] }) => sizeOf(y.shape) * a!.shape.at(-1)!,
  Gemm: ({ inputs: [a], outputs: [y], attributes }) => sizeOf(y.shape) * a!.shape.at(attributes.transA ? 0 : 1)!,
  FusedMatMul: ({ inputs: [a], outputs: [y], attributes }) =>
    sizeOf(y.shape) * a!.shape.at(attributes.transA ? -2 : -1)!,
  Conv: ({ inputs: [, w], outputs: [y] }) => convolution(y.shape, w!.shape),
  ConvInputGradient: ({ inputs: [w, dy] }) => convolution(dy!.shape, w!.shape),
  ConvWeightGradient: ({ inputs: [, dy], attributes }) =>
    convolution(dy!.shape, attributes.weight_shape as readonly number[]),
};

/**
 * y [N, O, …], w [O, I / groups, …]: one multiplication per element of y and of a filter; the same for the gradients.
 */
const convolution = (y: readonly number[], [, ...filter]: readonly number[]): number => sizeOf(y) * sizeOf(filter);

/**
 * Floating-point operations of the values' convolutions and matrix products, each node once: a multiplication and an
 * addition are two. Call it before {@link lower}, so that the count does not depend on the form that runs.
 * @example
 * ```ts
 * import { countOperations, Graph, matmul } from "layerwise/graph";
 *
 * const graph = new Graph();
 * const product = matmul(graph.input("a", "float32", [2, 3]), graph.input("b", "float32", [3, 5]));
 * console.log(countOperations([product])); // 60
 * ```
 */
export const countOperations = (values: readonly Value[]): number =>
  nodesOf(values).reduce((sum, node) => sum + 2 * (counts[node.op]?.(node) ?? 0), 0);
