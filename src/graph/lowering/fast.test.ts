// The fast form against the plain form: equal numbers, up to Winograd's rounding.
import { describe, expect, it } from "vitest";
import { randomStream, sizeOf, type Tensor, tensor, toNumbers } from "../../core/index.ts";
import { Session } from "../../runtime/index.ts";
import { gradients } from "../autodiff.ts";
import { batchNormalizationTraining } from "../composites.ts";
import { Graph, nodesOf, type Value } from "../graph.ts";
import { add, conv, matmul, maxPool, mul, reduceSum, relu, softmax, swapLast, transpose } from "../ops/index.ts";
import { serialise } from "../serialise.ts";
import { lower, lowerFast } from "./index.ts";

const random = randomStream(4, "fast");
const fill = (shape: readonly number[]) =>
  tensor(
    "float32",
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => random.normal()),
  );

async function run(outputs: Record<string, Value>, feeds: Record<string, Tensor>) {
  const session = await Session.load(serialise(outputs), { threads: 1 });
  const results = await session.run(feeds);
  await session.dispose();
  return results;
}

function expectSame(found: Tensor, wanted: Tensor, what: string) {
  const [x, y] = [toNumbers(found), toNumbers(wanted)];
  let largest = 0;
  for (const v of y) largest = Math.max(largest, Math.abs(v));
  let difference = 0;
  for (let i = 0; i < y.length; i++) difference = Math.max(difference, Math.abs(x[i] - y[i]));
  expect(difference / largest, what).toBeLessThan(2e-5);
}

describe("the fast lowering", () => {
  it("max pooling and its gradient, also where maxima are equal, without a return to the plain layout", async () => {
    const graph = new Graph();
    const x = graph.input("x", "float32", [3, 4, 16, 16]);
    const [w, v] = ["w", "v"].map((name) => graph.input(name, "float32", [4, 4, 3, 3]));
    // after the ReLU half of all pixels are zero: most windows have several maxima
    const inner = maxPool(relu(conv(x, w, null, { padding: 1 })), { kernel: 2 });
    const y = maxPool(conv(inner, v, null, { padding: 1 }), { kernel: 2 });
    const g = graph.input("g", "float32", y.shape);
    const [dInner, dx, dw] = gradients(reduceSum(mul(y, g), [0, 1, 2, 3]), [inner, x, w]);
    const outputs = { y, dInner, dx, dw };
    const feeds = Object.fromEntries([x, w, v, g].map((one) => [String(one.node.attributes.name), fill(one.shape)]));
    const lowered = lowerFast(outputs);
    const [fast, slow] = [await run(lowered, feeds), await run(lower(outputs), feeds)];
    for (const name of Object.keys(outputs)) expectSame(fast[name], slow[name], name);
    expect(nodesOf([lowered.dw]).filter(({ op }) => op === "Transpose")).toHaveLength(2); // x and g come in
    // all pixels equal: the first of each window is the maximum
    const zero = { ...feeds, x: tensor("float32", x.shape) };
    expectSame((await run(lowered, zero)).dInner, (await run(lower(outputs), zero)).dInner, "equal pixels");
  });

  const shapes = [
    [32, 3, 8, 3, 1],
    [16, 8, 8, 3, 1],
    [4, 8, 16, 3, 1],
    [2, 8, 8, 3, 1],
    [32, 4, 8, 3, 2],
    [8, 4, 8, 3, 2],
    [4, 4, 8, 3, 2],
    [8, 4, 8, 1, 2],
    [6, 4, 8, 3, 1], // no tiles: the plain form
  ];
  for (const [side, inner, outer, kernel, stride] of shapes) {
    it(`convolution and gradients, ${side}x${side}, ${inner} to ${outer}, ${kernel}x${kernel}, stride ${stride}`, async () => {
      const graph = new Graph();
      const x = graph.input("x", "float32", [3, inner, side, side]);
      const w = graph.input("w", "float32", [outer, inner, kernel, kernel]);
      const bias = graph.input("bias", "float32", [outer]);
      const y = conv(x, w, bias, { stride, padding: (kernel - 1) / 2 });
      const g = graph.input("g", "float32", y.shape);
      const loss = reduceSum(mul(y, g), [0, 1, 2, 3]);
      const [dx, dw, db] = gradients(loss, [x, w, bias]);
      const outputs = { y, dx, dw, db };
      const feeds = { x: fill(x.shape), w: fill(w.shape), bias: fill(bias.shape), g: fill(y.shape) };
      const [fast, slow] = [await run(lowerFast(outputs), feeds), await run(lower(outputs), feeds)];
      for (const name of Object.keys(outputs)) expectSame(fast[name], slow[name], name);
    });
  }

  it("a residual block keeps the rows layout from start to end", async () => {
    const graph = new Graph();
    const x = graph.input("x", "float32", [2, 8, 8, 8]);
    const w = graph.input("w", "float32", [8, 8, 3, 3]);
    const y = relu(add(conv(relu(conv(x, w, null, { padding: 1 })), w, null, { padding: 1 }), x));
    const [dw] = gradients(reduceSum(mul(y, y), [0, 1, 2, 3]), [w]);
    const fast = lowerFast({ y, dw });
    const feeds = { x: fill(x.shape), w: fill(w.shape) };
    const [found, wanted] = [await run(fast, feeds), await run(lower({ y, dw }), feeds)];
    for (const name of ["y", "dw"]) expectSame(found[name], wanted[name], name);
  });

  it("BatchNorm in training between two convolutions", async () => {
    const graph = new Graph();
    const x = graph.input("x", "float32", [4, 8, 8, 8]);
    const w = graph.input("w", "float32", [8, 8, 3, 3]);
    const [scale, bias] = ["scale", "bias"].map((name) => graph.input(name, "float32", [8]));
    const norm = batchNormalizationTraining(conv(x, w, null, { padding: 1 }), scale, bias, {
      mean: bias,
      variance: scale,
    });
    const y = conv(norm.output, w, null, { padding: 1 });
    const [dw, ds, db] = gradients(reduceSum(mul(y, y), [0, 1, 2, 3]), [w, scale, bias]);
    const outputs = { y, dw, ds, db, mean: norm.mean, variance: norm.variance };
    const feeds = { x: fill(x.shape), w: fill(w.shape), scale: fill([8]), bias: fill([8]) };
    const [found, wanted] = [await run(lowerFast(outputs), feeds), await run(lower(outputs), feeds)];
    for (const name of Object.keys(outputs)) expectSame(found[name], wanted[name], name);
  });

  it("attention and its gradients transpose only heads, not the operands of products", async () => {
    const graph = new Graph();
    const [q, k, v] = ["q", "k", "v"].map((name) => graph.input(name, "float32", [2, 5, 3, 4]));
    const [byHead, ...others] = [q, k, v].map((x) => transpose(x, [0, 2, 1, 3]));
    const scores = matmul(byHead, swapLast(others[0]));
    const y = transpose(matmul(softmax(scores), others[1]), [0, 2, 1, 3]);
    const g = graph.input("g", "float32", y.shape);
    const [dq, dk, dv] = gradients(reduceSum(mul(y, g), [0, 1, 2, 3]), [q, k, v]);
    const outputs = { y, dq, dk, dv };
    const feeds = Object.fromEntries(["q", "k", "v", "g"].map((name) => [name, fill(q.shape)]));
    const lowered = lowerFast(outputs);
    const moved = nodesOf(Object.values(lowered)).filter(({ op }) => op === "Transpose");
    expect(moved.map(({ attributes }) => String(attributes.perm))).toEqual(Array(8).fill("0,2,1,3"));
    const [found, wanted] = [await run(lowered, feeds), await run(lower(outputs), feeds)];
    for (const name of Object.keys(outputs)) expectSame(found[name], wanted[name], name);
  });

  it("a product with another use is not computed twice", () => {
    const graph = new Graph();
    const [a, b] = ["a", "b"].map((name) => graph.input(name, "float32", [3, 3]));
    const product = matmul(a, b);
    const count = (outputs: Record<string, Value>) =>
      nodesOf(Object.values(lowerFast(outputs))).filter(({ op }) => op.endsWith("MatMul")).length;
    expect(count({ turned: swapLast(product) })).toBe(1);
    expect(count({ turned: swapLast(product), product })).toBe(1);
  });
});
