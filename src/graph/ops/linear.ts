// Matrix products.
import type { Value } from "../graph.ts";
import { broadcast, type Operation } from "./operation.ts";
import { reshape } from "./shape.ts";

export const linearOps = {
  MatMul: {
    infer([a, b]) {
      const [m, k] = a!.shape.slice(-2);
      const [l, n] = b!.shape.slice(-2);
      if (a!.shape.length < 2 || b!.shape.length < 2 || k !== l)
        throw new Error(`MatMul of [${a!.shape}] and [${b!.shape}]`);
      return [{ dtype: a!.dtype, shape: [...broadcast(a!.shape.slice(0, -2), b!.shape.slice(0, -2)), m, n] }];
    },
  },
  Gemm: {
    attributes: { alpha: "float", beta: "float", transA: "int", transB: "int" },
    infer([a, b, c], { transA, transB }) {
      const [m, k] = transA ? a!.shape.toReversed() : a!.shape;
      const [l, n] = transB ? b!.shape.toReversed() : b!.shape;
      if (a!.shape.length !== 2 || b!.shape.length !== 2 || k !== l)
        throw new Error(`Gemm of [${a!.shape}] and [${b!.shape}]`);
      if (c && String(broadcast(c.shape, [m, n])) !== String([m, n]))
        throw new Error(`Gemm adds [${c.shape}] to [${m},${n}]`);
      return [{ dtype: a!.dtype, shape: [m, n] }];
    },
  },
  /** A MatMul that reads either operand with its last two axes swapped, without a copy. */
  FusedMatMul: {
    domain: "com.microsoft",
    attributes: { alpha: "float", transA: "int", transB: "int" },
    infer([a, b], { transA, transB }) {
      const [m, k] = transA ? a!.shape.slice(-2).toReversed() : a!.shape.slice(-2);
      const [l, n] = transB ? b!.shape.slice(-2).toReversed() : b!.shape.slice(-2);
      if (k !== l) throw new Error(`FusedMatMul of [${a!.shape}] and [${b!.shape}]`);
      return [{ dtype: a!.dtype, shape: [...broadcast(a!.shape.slice(0, -2), b!.shape.slice(0, -2)), m, n] }];
    },
  },
} satisfies Record<string, Operation>;

/**
 * Matrix product of the last two axes, [..., m, k] by [..., k, n]; the other axes broadcast. Throws an Error if the
 * inner lengths differ.
 * @example
 * ```ts
 * import { Graph, matmul } from "layerwise/graph";
 *
 * const graph = new Graph();
 * const a = graph.input("a", "float32", [4, 2, 3]);
 * const b = graph.input("b", "float32", [3, 5]);
 * console.log(matmul(a, b).shape); // [ 4, 2, 5 ]
 * ```
 */
export function matmul(a: Value, b: Value): Value {
  return a.graph.apply("MatMul", [a, b])[0];
}

/** A' B', batched over the other axes; an operation of ONNX Runtime. */
export function fusedMatMul(a: Value, b: Value, { transA = false, transB = false } = {}): Value {
  return a.graph.apply("FusedMatMul", [a, b], { alpha: 1, transA: Number(transA), transB: Number(transB) })[0];
}

/** Factors of a {@link gemm} (default 1), and whether A and B are transposed (default false). */
export interface GemmOptions {
  alpha?: number;
  beta?: number;
  transA?: boolean;
  transB?: boolean;
}

/**
 * alpha A' B' + beta C for matrices, where A' and B' are transposed if asked; C broadcasts. Throws an Error if the
 * shapes do not fit.
 * @example
 * ```ts
 * import { gemm, Graph } from "layerwise/graph";
 *
 * const graph = new Graph();
 * const x = graph.input("x", "float32", [2, 3]);
 * const weight = graph.input("weight", "float32", [5, 3]);
 * console.log(gemm(x, weight, null, { transB: true }).shape); // [ 2, 5 ]
 * ```
 */
export function gemm(a: Value, b: Value, c: Value | null = null, options: GemmOptions = {}): Value {
  const { alpha = 1, beta = 1, transA = false, transB = false } = options;
  return a.graph.apply("Gemm", c ? [a, b, c] : [a, b], {
    alpha,
    beta,
    transA: Number(transA),
    transB: Number(transB),
  })[0];
}

/**
 * PyTorch's Linear: x W' + b over the last axis. x [..., in], weight [out, in], bias [out]; gives [..., out]. Throws an
 * Error if the shapes do not fit.
 * @example
 * ```ts
 * import { Graph, linear } from "layerwise/graph";
 *
 * const graph = new Graph();
 * const x = graph.input("x", "float32", [8, 3]);
 * const weight = graph.input("weight", "float32", [5, 3]);
 * const bias = graph.input("bias", "float32", [5]);
 * console.log(linear(x, weight, bias).shape); // [ 8, 5 ]
 * ```
 */
export function linear(x: Value, weight: Value, bias: Value | null = null): Value {
  const [out, inner] = weight.shape;
  const y = gemm(reshape(x, [-1, inner]), weight, bias, { transB: true });
  return reshape(y, [...x.shape.slice(0, -1), out]);
}
