// Exporters write equal initialisers once, so one weight of the graph may represent several tensors of a state dict.
import { beforeAll, describe, expect, it } from "vitest";
import {
  graphBytes,
  measured,
  type NodeSpec,
  randomTensor,
  type Weights,
  writeSamples,
} from "../../../test/onnx-graphs.ts";
import { type Tensor, tensor } from "../../core/index.ts";

beforeAll(writeSamples);

const ones = tensor("float32", [5], Array(5).fill(1));
const trained = (name: string) => randomTensor(name, [5], 0.5, 2);

/** Two blocks that scale hidden values, each by its own scale. */
function weights(seed: string, first: Tensor, second: Tensor): Weights {
  return new Map([
    ["fc.weight", randomTensor(`${seed}fc`, [5, 32])],
    ["block.0.norm.weight", first],
    ["block.1.norm.weight", second],
    ["head.weight", randomTensor(`${seed}head`, [4, 5])],
  ]);
}

/** The graph; its second scale may be stored under the name of the first. */
function graphOf(from: Weights, isOnce: boolean, isUsedTwice = true): Uint8Array {
  const nodes: NodeSpec[] = [
    ["Flatten", ["x"], "f"],
    ["Gemm", ["f", "fc.weight"], "h", { transB: 1 }],
    ["Mul", ["h", "block.0.norm.weight"], "i"],
    ["Tanh", ["i"], "j"],
    ...(isUsedTwice
      ? ([["Mul", ["j", `block.${isOnce ? 0 : 1}.norm.weight`], "k"]] as NodeSpec[])
      : ([["Tanh", ["j"], "k"]] as NodeSpec[])),
    ["Gemm", ["k", "head.weight"], "y", { transB: 1 }],
  ];
  return graphBytes(nodes, new Map([...from].filter(([name]) => !isOnce || !name.startsWith("block.1"))), [2, 4, 4]);
}

describe("a tensor that the graph stores under another name", () => {
  it("is accepted with a note if the two are equal in both checkpoints", async () => {
    const ends = [weights("a", ones, ones), weights("b", trained("b"), trained("b"))] as const;
    const found = await measured(graphOf(ends[0], true), ends);
    const truth = await measured(graphOf(ends[0], false), ends);
    for (const end of ["a", "b"] as const) expect(found.ends[end].loss).toBe(truth.ends[end].loss);
    expect(found.notes).toEqual([
      "The graph stores tensors that are equal in both checkpoints under one name: block.1.norm.weight (as block.0.norm.weight).",
    ]);
  });

  it.each([
    ["of a", weights("a", ones, ones), weights("b", trained("b0"), trained("b1")), "a"],
    ["of b", weights("a", trained("a0"), trained("a1")), weights("b", ones, ones), "b"],
    ["before training", weights("a", trained("a0"), trained("a1")), weights("b", trained("b0"), trained("b1")), "init"],
  ])("is refused where they differ in a checkpoint, the export %s", async (_, a, b, from) => {
    const source = { a, b, init: weights("init", ones, ones) }[from]!;
    await expect(measured(graphOf(source, true), [a, b])).rejects.toThrow(
      "stores tensors under one name that were equal at export but differ in a checkpoint: block.1.norm.weight (as block.0.norm.weight). Export the graph from the checkpoint in which they differ.",
    );
  });

  it("is dropped, not shared, where its operation has no bias", async () => {
    const zeros = tensor("float32", [5]);
    const netOf = (seed: string, ...biases: readonly Tensor[]): Weights =>
      new Map([
        ["fc.weight", randomTensor(`${seed}fc`, [5, 32])],
        ["fc.bias", biases[0]],
        ["block.0.norm.bias", biases[1]],
        ["block.1.norm.bias", biases[2]],
        ["head.weight", randomTensor(`${seed}head`, [4, 5])],
      ]);
    const isStored = (name: string) => name !== "fc.bias" && !name.startsWith("block.1");
    const graph = graphBytes(
      [
        ["Flatten", ["x"], "f"],
        ["Gemm", ["f", "fc.weight"], "h", { transB: 1 }],
        ["Add", ["h", "block.0.norm.bias"], "i"],
        ["Tanh", ["i"], "j"],
        ["Add", ["j", "block.0.norm.bias"], "k"],
        ["Gemm", ["k", "head.weight"], "y", { transB: 1 }],
      ],
      new Map([...netOf("a", zeros, zeros, zeros)].filter(([name]) => isStored(name))),
      [2, 4, 4],
    );
    const fresh = netOf("a", zeros, zeros, zeros);
    const norms = [trained("n"), trained("n")];
    await expect(measured(graph, [fresh, netOf("b", trained("b"), ...norms)])).rejects.toThrow(
      "does not use fc.bias of",
    );
    // equal to the others in both, but with an effect
    const same = [trained("b"), trained("b"), trained("b")];
    await expect(measured(graph, [fresh, netOf("b", ...same)])).rejects.toThrow("does not use fc.bias of");
    const { notes = [] } = await measured(graph, [fresh, netOf("b", zeros, zeros, zeros)]);
    expect(notes).toEqual([
      "The graph does not use fc.bias.",
      "The graph stores tensors that are equal in both checkpoints under one name: block.1.norm.bias (as block.0.norm.bias).",
    ]);
  });

  it("is unused if the other is used only once", async () => {
    const ends = [weights("a", ones, ones), weights("b", trained("b0"), trained("b1"))] as const;
    const { notes } = await measured(graphOf(ends[0], true, false), ends);
    expect(notes).toEqual(["The graph does not use block.1.norm.weight."]);
  });
});
