// Lowering. The runtime has no operations for the gradients of convolutions. A lowering is a table from an operation to
// operations that replace it; a node without an entry is kept. Faster forms are further tables.
import type { Value } from "../graph.ts";
import { overRows } from "./fast.ts";
import { transposedProducts } from "./products.ts";
import { rebuild } from "./walk.ts";

/**
 * Replaces the gradients of convolutions and pooling, which ONNX lacks, by operations that ONNX Runtime has. The result
 * runs on every device; other nodes stay as they are.
 * @example
 * ```ts
 * import { conv, gradients, Graph, lower, print, reduceSum } from "layerwise/graph";
 *
 * const graph = new Graph();
 * const x = graph.input("x", "float32", [1, 1, 2, 2]);
 * const weight = graph.input("weight", "float32", [1, 1, 1, 1]);
 * const [gradient] = gradients(reduceSum(conv(x, weight), [0, 1, 2, 3]), [weight]);
 * console.log(print({ gradient }).includes("ConvWeightGradient")); // true
 * console.log(print(lower({ gradient })).includes("ConvWeightGradient")); // false
 * ```
 */
export const lower = (outputs: Readonly<Record<string, Value>>): Record<string, Value> => rebuild(outputs, {});

/** The fast form for training on a CPU. */
export const lowerFast = (outputs: Readonly<Record<string, Value>>): Record<string, Value> =>
  rebuild(outputs, { ...overRows, ...transposedProducts(Object.values(outputs)) });
