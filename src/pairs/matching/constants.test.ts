// Weights of a graph that are in no state dict: kept, or refused if they may have been computed from a parameter.
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import {
  graphBytes,
  measured,
  type NodeSpec,
  randomTensor,
  type Weights,
  writeSamples,
} from "../../../test/onnx-graphs.ts";
import { randomStream, type Tensor, tensor } from "../../core/index.ts";
import { isWritten } from "./constants.ts";

beforeAll(writeSamples);

const scalar = (x: number) => tensor("float32", [], [x]);
const dense = (seed: string): [string, Tensor][] => [
  ["body.fc.weight", randomTensor(`${seed}fc`, [5, 32])],
  ["body.head.weight", randomTensor(`${seed}head`, [4, 5])],
];
const ends = (more: (seed: "a" | "b") => [string, Tensor][] = () => []) =>
  (["a", "b"] as const).map((seed): Weights => new Map([...dense(seed), ...more(seed)])) as [Weights, Weights];

/** A network on x [n, 2, 4, 4] with the weights of a, and one more weight that scales its hidden values. */
function graphWith(name: string, value: Tensor, nodes: readonly NodeSpec[] = [["Mul", ["h", name], "m"]]): Uint8Array {
  const all: NodeSpec[] = [
    ["Flatten", ["x"], "f"],
    ["Gemm", ["f", "body.fc.weight"], "h", { transB: 1 }],
    ...nodes,
    ["Gemm", ["m", "body.head.weight"], "y", { transB: 1 }],
  ];
  return graphBytes(all, new Map([...dense("a"), [name, value]]), [2, 4, 4]);
}

describe("a buffer that is in no checkpoint", () => {
  const buffer = randomTensor("buffer", [5]);
  const name = "body.rotary.inv_freq";

  it("is kept, with a note", async () => {
    const found = await measured(graphWith(name, buffer), ends());
    const truth = await measured(
      graphWith(name, buffer),
      ends(() => [[name, buffer]]),
    );
    expect(found.ends.a.loss).toBe(truth.ends.a.loss);
    expect(found.ends.b.loss).toBe(truth.ends.b.loss);
    const full = (one: typeof found) => one.cells.find(({ scan }) => scan === "full")!.loss!.value;
    expect(full(found)).toBe(full(truth));
    expect(found.layers.map((layer) => layer.name)).toEqual(["body.fc", "body.head"]);
    expect(found.notes).toEqual([
      "The graph has constants that are in neither checkpoint and do not change: body.rotary.inv_freq.",
    ]);
  });

  it.each([
    ["is named like a parameter", "body.norm.weight", ends()],
    ["may be an unused tensor", name, ends((seed) => [["other.table", randomTensor(seed, [5])]])],
    [
      "has a generated name and the size of a tensor",
      "val_3",
      ends((seed) => [["other.table", randomTensor(seed, [5])]]),
    ],
    ["may be made of unused tensors", "val_3", ends((seed) => [["other.table", randomTensor(seed, [2, 5])]])],
  ])("is refused if it %s", async (_, own, states) => {
    await expect(measured(graphWith(own, buffer), states)).rejects.toThrow(`has weights that are not in`);
  });

  it("is refused if it is used as a matrix", async () => {
    const graph = graphWith("table", randomTensor("table", [5, 5]), [["MatMul", ["h", "table"], "m"]]);
    await expect(measured(graph, ends())).rejects.toThrow("has weights that are not in");
  });
});

describe("a parameter that the graph does not use", () => {
  const scaled = (a: number, b: number) => ends((seed) => [["body.logit_scale", scalar(seed === "a" ? a : b)]]);
  const softplus = (x: number) => Math.log1p(Math.exp(x));

  it.each<[string, string, Tensor]>([
    ["the exponential of a's", "exp", scalar(Math.exp(2.5))],
    ["the exponential of b's", "val_12", scalar(Math.exp(1))],
    ["a's own", "onnx::Mul_7", scalar(2.5)],
    ["a common function of a's", "val_12", scalar(softplus(2.5))],
    ["another function of it", "val_12", scalar(2.5 ** 1.7)],
    ["the expanded exponential", "expand", tensor("float32", [1, 5], Array(5).fill(Math.exp(2.5)))],
  ])("is refused if a constant is %s", async (_, name, value) => {
    await expect(measured(graphWith(name, value), scaled(2.5, 1))).rejects.toThrow(
      new RegExp(
        `does not use some parameters of .* that differ between the checkpoints, .*: body.logit_scale \\(in ${name}\\). Export the graph again without folding constants`,
      ),
    );
  });

  it("is refused if a constant of its shape is a function of it", async () => {
    const gamma = (seed: string) => randomTensor(`${seed}gamma`, [5], 0.5, 2);
    const exponentials = tensor("float32", [5], Array.from(gamma("a").data as Float32Array, Math.exp));
    const states = ends((seed) => [["body.gamma", gamma(seed)]]);
    const named = graphWith("body.rotary.inv_freq", exponentials);
    await expect(measured(named, states)).rejects.toThrow("has weights that are not in");
    await expect(measured(graphWith("exp", exponentials), states)).rejects.toThrow("has weights that are not in");
  });

  it("is noted if no constant can come from it, or if it is equal in both ends", async () => {
    const note = ["The graph does not use body.logit_scale."];
    expect((await measured(graphWith("val_12", scalar(0.5)), scaled(2.5, 1))).notes).toEqual(note);
    const equal = await measured(graphWith("exp", scalar(Math.exp(2.5))), scaled(2.5, 2.5));
    expect(equal.notes).toEqual(note);
  });
});

it("finds a flattened weight, whichever end the graph was exported from", async () => {
  const cube = (seed: string) => randomTensor(`${seed}cube`, [5, 5, 1, 2]);
  const nodes: NodeSpec[] = [
    ["Flatten", ["x"], "f"],
    ["Gemm", ["f", "body.fc.weight"], "h", { transB: 1 }],
    ["MatMul", ["h", "onnx::MatMul_9"], "m"],
    ["Gemm", ["m", "body.out.weight"], "y", { transB: 1 }],
  ];
  const graph = (seed: "a" | "b") => {
    const [fc] = dense(seed);
    const out = randomTensor(`${seed}out`, [4, 10]);
    const flat = { ...cube(seed), shape: [5, 10] };
    return graphBytes(nodes, new Map([fc, ["body.out.weight", out], ["onnx::MatMul_9", flat]]), [2, 4, 4]);
  };
  const states = (["a", "b"] as const).map(
    (seed): Weights =>
      new Map([
        dense(seed)[0],
        ["body.conv.weight", cube(seed)],
        ["body.out.weight", randomTensor(`${seed}out`, [4, 10])],
      ]),
  ) as [Weights, Weights];
  const [fromA, fromB] = [await measured(graph("a"), states), await measured(graph("b"), states)];
  expect(fromA.cells).toEqual(fromB.cells);
  expect(fromA.layers.map(({ name }) => name)).toEqual(["body.fc", "body.conv", "body.out"]);
});

describe("numbers in programs", () => {
  it.each([
    0,
    1,
    -1e4,
    0.044715,
    1e-5,
    1e-12,
    0.125,
    Math.sqrt(2),
    Math.sqrt(2 / Math.PI),
    1 / Math.sqrt(48),
    Math.PI,
    1 / 3,
    2 / 3,
    1.702,
  ])("include %d", (x) => expect(isWritten(Math.fround(x))).toBe(true));

  it("include all of few digits in single precision, and few others", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 99999 }), fc.integer({ min: -12, max: 6 }), (digits, exponent) => {
        expect(isWritten(Math.fround(Number(`${digits}e${exponent}`)))).toBe(true);
      }),
    );
    const random = randomStream(1, "trained");
    const trained = Array.from({ length: 5000 }, () => Math.fround(10 * random.uniform() - 5));
    expect(trained.filter(isWritten).length).toBeLessThan(75);
  });
});
