import { describe, expect, it } from "vitest";
import { evaluate } from "../../test/differences.ts";
import { tensor, toNumbers } from "../core/index.ts";
import {
  add,
  conv,
  crossEntropy,
  Graph,
  gradients,
  lower,
  matmul,
  mul,
  nodesOf,
  print,
  relu,
  reshape,
  serialise,
} from "./index.ts";

describe("the graph", () => {
  it("makes one node of equal expressions", () => {
    const graph = new Graph();
    const x = graph.input("x", "float32", [2, 3]);
    expect(add(mul(x, 2), x)).toBe(add(mul(x, 2), x));
    expect(mul(x, 2)).not.toBe(mul(x, 3));
    expect(graph.constant(tensor("float32", [2], [1, 2]))).toBe(graph.constant(tensor("float32", [2], [1, 2])));
    expect(graph.constant(tensor("float32", [2], [1, 2]))).not.toBe(graph.constant(tensor("float32", [1, 2], [1, 2])));
  });

  it("rejects shapes that do not fit, unknown attributes and values of another graph", () => {
    const graph = new Graph();
    const x = graph.input("x", "float32", [2, 3]);
    expect(() => matmul(x, x)).toThrow("MatMul of [2,3] and [2,3]");
    expect(() => add(x, graph.input("y", "float32", [2]))).toThrow("do not broadcast");
    expect(() => reshape(x, [4, 2])).toThrow("Reshape");
    expect(() => graph.apply("Relu", [x], { slope: 1 })).toThrow("Relu has no attribute slope");
    expect(() => graph.apply("Sine", [x])).toThrow("no operation Sine");
    expect(() => add(x, new Graph().input("x", "float32", [2, 3]))).toThrow("another graph");
    expect(() => graph.input("x", "float32", [3, 2])).toThrow("input x is float32[2,3]");
  });

  it("prints as text, numbered from zero", () => {
    const graph = new Graph();
    graph.input("unused", "float32", [1]);
    const x = graph.input("x", "float32", [1, 1, 4, 4]);
    const w = graph.input("w", "float32", [2, 1, 3, 3]);
    expect(print({ y: mul(relu(conv(x, w, null, { padding: 1 })), 0.5) })).toBe(
      [
        "input x : float32[1,1,4,4]",
        "input w : float32[2,1,3,3]",
        "%0 = Conv(x, w) {dilations=[1,1] group=1 kernel_shape=[3,3] pads=[1,1,1,1] strides=[1,1]} : float32[1,2,4,4]",
        "%1 = Relu(%0) : float32[1,2,4,4]",
        "%2 = Mul(%1, 0.5) : float32[1,2,4,4]",
        "output y = %2",
        "",
      ].join("\n"),
    );
  });

  it("serialises only nodes that the outputs need, and only those that can run", async () => {
    const graph = new Graph();
    const x = graph.input("x", "float32", [2, 2]);
    const y = add(x, 1);
    expect(toNumbers((await evaluate({ y }, { x: tensor("float32", [2, 2], [1, 2, 3, 4]) })).y)).toEqual(
      Float32Array.of(2, 3, 4, 5),
    );
    const image = graph.input("image", "float32", [1, 1, 3, 3]);
    const w = graph.input("w", "float32", [1, 1, 3, 3]);
    const loss = crossEntropy(reshape(conv(image, w), [1, 1]), graph.constant(tensor("int64", [1], [0])));
    const [dw] = gradients(reshape(loss, []), [w]);
    expect(() => serialise({ dw })).toThrow("ConvWeightGradient must be lowered");
    expect(nodesOf(Object.values(lower({ dw }))).some((node) => node.op === "ConvWeightGradient")).toBe(false);
  });

  it("gives a zero gradient where the loss does not depend on a value, and rejects a loss with several elements", () => {
    const graph = new Graph();
    const x = graph.input("x", "float32", [2]);
    const y = graph.input("y", "float32", [3]);
    expect(print({ d: gradients(reshape(matmul(reshape(x, [1, 2]), reshape(x, [2, 1])), []), [y])[0] })).toContain(
      "Expand(0, [3]) : float32[3]",
    );
    expect(() => gradients(x, [x])).toThrow("a loss has one element");
  });
});
