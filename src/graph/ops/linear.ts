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

/** Matrix product of the last two axes, batched and broadcast over the others. */
export function matmul(a: Value, b: Value): Value {
  return a.graph.apply("MatMul", [a, b])[0];
}

/** A' B', batched over the other axes; an operation of ONNX Runtime. */
export function fusedMatMul(a: Value, b: Value, { transA = false, transB = false } = {}): Value {
  return a.graph.apply("FusedMatMul", [a, b], { alpha: 1, transA: Number(transA), transB: Number(transB) })[0];
}

export interface GemmOptions {
  alpha?: number;
  beta?: number;
  transA?: boolean;
  transB?: boolean;
}

/** alpha A' B' + beta C for matrices; A' and B' are optionally transposed. */
export function gemm(a: Value, b: Value, c: Value | null = null, options: GemmOptions = {}): Value {
  const { alpha = 1, beta = 1, transA = false, transB = false } = options;
  return a.graph.apply("Gemm", c ? [a, b, c] : [a, b], {
    alpha,
    beta,
    transA: Number(transA),
    transB: Number(transB),
  })[0];
}

/** PyTorch's Linear: x W' + b over the last axis. x [..., in], weight [out, in], bias [out]. */
export function linear(x: Value, weight: Value, bias: Value | null = null): Value {
  const [out, inner] = weight.shape;
  const y = gemm(reshape(x, [-1, inner]), weight, bias, { transB: true });
  return reshape(y, [...x.shape.slice(0, -1), out]);
}
