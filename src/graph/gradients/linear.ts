// Gradients of matrix products.
import { mul } from "../ops/elementwise.ts";
import { gemm, matmul } from "../ops/linear.ts";
import { swapLast } from "../ops/shape.ts";
import { type Rule, sumTo } from "./rule.ts";

export const linearRules: Record<string, Rule> = {
  MatMul: (dy, [a, b]) => [sumTo(matmul(dy, swapLast(b)), a.shape), sumTo(matmul(swapLast(a), dy), b.shape)],
  // y = alpha A' B' + beta C
  Gemm: (dy, [a, b, c], _y, { attributes }) => {
    const { alpha, beta } = attributes as { alpha: number; beta: number };
    const [transA, transB] = [Boolean(attributes.transA), Boolean(attributes.transB)];
    const da = transA
      ? gemm(b, dy, null, { alpha, transA: transB, transB: true })
      : gemm(dy, b, null, { alpha, transB: !transB });
    const db = transB
      ? gemm(dy, a, null, { alpha, transA: true, transB: transA })
      : gemm(a, dy, null, { alpha, transA: !transA });
    if (!c) return [da, db];
    const dc = sumTo(dy, c.shape);
    return [da, db, beta === 1 ? dc : mul(dc, beta)];
  },
};
