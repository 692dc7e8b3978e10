import { expect, it } from "vitest";
import {
  expectSame,
  graphBytes,
  type NodeSpec,
  randomTensor,
  type Weights,
  writeSamples,
} from "../../../test/onnx-graphs.ts";
import { type Tensor, tensor } from "../../core/index.ts";
import { importModel } from "../../graph/index.ts";
import { kindOf } from "../kinds.ts";
import { graphParameters } from "../onnx-parameters.ts";
import { isNeutral } from "./neutral.ts";

const filled = (value: number, ...shape: number[]) =>
  tensor("float32", shape, Array(shape.reduce((size, n) => size * n, 1)).fill(value));

/** A convolution, a normalisation of its channels, and a linear layer. */
function graph(weights: Weights, scale: string, bias: string, after: readonly NodeSpec[] = []): Uint8Array {
  const nodes: NodeSpec[] = [
    ["Conv", ["x", "conv.weight"], "h"],
    ["InstanceNormalization", ["h", scale, bias], "n"],
    ...after,
    ["Flatten", [after.at(-1)?.[2] ?? "n"], "f"],
    ["Gemm", ["f", "head.weight"], "y", { transB: 1 }],
  ];
  return graphBytes(nodes, weights, [2, 4, 4]);
}

const dense = (end: string): [string, Tensor][] => [
  ["conv.weight", randomTensor(`${end}conv`, [5, 2, 1, 1])],
  ["head.weight", randomTensor(`${end}head`, [4, 80])],
];

it.each([
  ["of ones and zeros", "val_3", 1, "val_7", 0, []],
  ["with other values", "val_3", 0.5, "val_7", 0, ["val_3"]],
  ["in the wrong place", "val_3", 0, "val_7", 1, ["val_3", "val_7"]],
  ["with names", "norm.weight", 1, "norm.bias", 0, ["norm.weight", "norm.bias"]],
] as const)("constants of a normalisation %s", (_, scale, one, bias, zero, found) => {
  const all = new Map([...dense("a"), [scale, filled(one, 5)], [bias, filled(zero, 5)]]);
  const model = importModel(graph(all, scale, bias));
  const trained = (held: Parameters<typeof isNeutral>[0]) => !isNeutral(held, all.get(held.name)!.data as Float32Array);
  const kind = (name: string) => kindOf({ name, dtype: "float32", shape: [] }, () => false);
  const names = graphParameters(model, trained, kind).map(({ name }) => name);
  expect(names).toEqual(["conv.weight", ...found, "head.weight"]);
});

/** Group normalisation as PyTorch writes it: the parameters are applied after a normalisation without any. */
const grouped: readonly NodeSpec[] = [
  ["Mul", ["n", "val_21"], "m"],
  ["Add", ["m", "val_23"], "s"],
];

it.each([
  ["a", true],
  ["a", false],
  ["another network", true],
])("are constants beside checkpoints, on a graph of %s, normalisation fresh: %s", async (origin, isFresh) => {
  await writeSamples();
  const norm = (end: string): [string, Tensor][] => [
    ["norm.weight", isFresh && end !== "b" ? filled(1, 5) : randomTensor(`${end}w`, [5], 0.5, 2)],
    ["norm.bias", isFresh && end !== "b" ? filled(0, 5) : randomTensor(`${end}b`, [5])],
  ];
  const endOf = (end: string): Weights => new Map([...dense(end), ...norm(end)]);
  const ends = [endOf("a"), endOf("b")] as const;
  const own = endOf(origin);
  const reshaped = (name: string) => tensor("float32", [5, 1, 1], own.get(name)!.data as Float32Array);
  const exported = new Map([
    ...dense(origin),
    ["val_3", filled(1, 5)],
    ["val_7", filled(0, 5)],
    ["val_21", reshaped("norm.weight")],
    ["val_23", reshaped("norm.bias")],
  ] as const);
  const [all, kept] = [graph(exported, "val_3", "val_7", grouped), graph(own, "norm.weight", "norm.bias")];
  expect(await expectSame(all, kept, ends)).toBe(
    "The graph has constants that are in neither checkpoint and do not change: val_3, val_7.",
  );
});
