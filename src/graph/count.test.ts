import { expect, it } from "vitest";
import { conv, countOperations, Graph, gemm, gradients, matmul, reduceSum } from "./index.ts";

const graph = new Graph();
const input = (name: string, ...shape: number[]) => graph.input(name, "float32", shape);

it("counts products of matrices, however they lie, each once", () => {
  const [a, b] = [input("a", 2, 3), input("b", 3, 5)];
  const product = matmul(a, b);
  expect(countOperations([product, product])).toBe(2 * 2 * 3 * 5);
  expect(countOperations([gemm(input("at", 3, 2), b, null, { transA: true })])).toBe(2 * 2 * 3 * 5);
  expect(countOperations([matmul(input("many", 7, 2, 3), b)])).toBe(7 * 2 * 2 * 3 * 5);
});

it("counts a convolution and both its gradients alike", () => {
  const [x, w] = [input("x", 2, 4, 8, 8), input("w", 6, 2, 3, 3)];
  const y = conv(x, w, null, { stride: 2, padding: 1, groups: 2 });
  const once = 2 * (2 * 6 * 4 * 4) * (2 * 3 * 3);
  expect(countOperations([y])).toBe(once);
  expect(countOperations(gradients(reduceSum(y, [0, 1, 2, 3]), [x, w]))).toBe(2 * once);
});
