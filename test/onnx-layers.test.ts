// The layers of a graph with two state dicts: those that the graph uses, in the graph's order, whatever the order and
// the other tensors of the files.
import { beforeAll, describe, expect, it } from "vitest";
import { type Tensor, tensor } from "../src/core/index.ts";
import {
  foldedGraph,
  generated,
  graphBytes,
  keptGraph,
  measured,
  type NodeSpec,
  network,
  randomTensor,
  sorted,
  type Weights,
  writeSamples,
} from "./onnx-graphs.ts";

beforeAll(writeSamples);

const namesOf = ({ layers }: { layers: readonly { name: string }[] }) => layers.map(({ name }) => name);

describe("the order of layers", () => {
  const counted = (weights: Weights): Weights =>
    new Map([["bn2.num_batches_tracked", tensor("int64", [], [7])], ...weights]);

  it.each([
    ["kept", keptGraph],
    ["folded", (weights: Weights) => foldedGraph(weights, generated)],
  ])("is the graph's if the files sort their names, its normalisations %s", async (_, graph) => {
    const ends = [sorted(network("a")), sorted(network("b"))] as const;
    const document = await measured(graph(network("a")), [counted(ends[0]), counted(ends[1])], "shallow");
    const names = ["conv1", "bn1", "conv2", "bn2", "fc"];
    expect(namesOf(document)).toEqual(names);
    expect(document.layers[3].parameters).toContain("bn2.num_batches_tracked");
    expect(document.cells.filter(({ base }) => base === "a").map(({ layer }) => layer)).toEqual(names);
    const inOrder = await measured(graph(network("a")), [network("a"), network("b")], "shallow");
    expect(document.cells.map(({ loss }) => loss)).toEqual(inOrder.cells.map(({ loss }) => loss));
  });

  it.each([true, false])("has a tied tensor at its last use, under two names in the graph: %s", async (both) => {
    const nodes: NodeSpec[] = [
      ["Flatten", ["x"], "f"],
      ["Gemm", ["f", "in.weight"], "g", { transB: 1 }],
      ["Gemm", ["g", "stem.weight"], "h"],
      ["Gemm", ["h", "mid.weight"], "i"],
      ["Gemm", ["i", both ? "head.weight" : "stem.weight"], "y"],
    ];
    const weights = (seed: string): Weights => {
      const tied = randomTensor(`${seed}tied`, [4, 4]);
      return new Map<string, Tensor>([
        ["head.weight", tied],
        ["in.weight", randomTensor(`${seed}in`, [4, 32])],
        ["mid.weight", randomTensor(`${seed}mid`, [4, 4])],
        ["stem.weight", tied],
      ]);
    };
    const a = weights("a");
    const document = await measured(graphBytes(nodes, a, [2, 4, 4]), [a, weights("b")], "shallow");
    expect(namesOf(document)).toEqual(["in", "mid", "stem"]); // the file's last name
    expect(document.layers[2].parameters).toEqual(["head.weight", "stem.weight"]);
  });
});

describe("tensors that the graph does not use", () => {
  const more = (seed: string): Weights =>
    new Map([
      ...network(seed),
      ["aux.weight", randomTensor(`${seed}aux`, [4, 3])],
      ["aux.num_batches_tracked", tensor("int64", [], [7])],
    ]);
  const nodes: NodeSpec[] = [
    ["Flatten", ["x"], "f"],
    ["QuantizeLinear", ["f", "scale", "zero"], "q"],
  ];
  const scales: Weights = new Map([
    ["scale", tensor("float32", [], [0.01])],
    ["zero", tensor("int8", [], [0])],
    ["onnx::MatMul_1_quantized", tensor("int8", [32, 4], new Int8Array(128).fill(3))],
  ]);
  const linear = (seed: string): Weights => new Map([["fc.weight", randomTensor(seed, [4, 32])]]);

  it("are in no layer, and a note names them", async () => {
    const document = await measured(keptGraph(network("a")), [more("a"), more("b")]);
    expect(namesOf(document)).toEqual(["conv1", "bn1", "conv2", "bn2", "fc"]);
    expect(document.cells.map(({ layer }) => layer)).not.toContain("aux");
    expect(document.distance.layers).not.toHaveProperty("aux");
    expect(document.notes!.join(" ")).toContain("The graph does not use aux.weight.");
    const without = await measured(keptGraph(network("a")), [network("a"), network("b")]);
    expect(document.cells).toEqual(without.cells);
  });

  it.each([
    ["MatMulInteger", ["MatMulInteger", ["q", "onnx::MatMul_1_quantized"], "i"], ["Cast", ["i"], "y", { to: 1 }]],
    ["DequantizeLinear", ["DequantizeLinear", ["onnx::MatMul_1_quantized", "scale"], "w"], ["MatMul", ["f", "w"], "y"]],
  ] as [string, NodeSpec, NodeSpec][])("are refused if %s has the graph's own in their place", async (_, ...last) => {
    const graph = graphBytes([...nodes, ...last], scales, [2, 4, 4]);
    await expect(measured(graph, [linear("a"), linear("b")])).rejects.toThrow(
      /is quantised \(onnx::MatMul_1_quantized is int8\), so it would not use fc.weight of .*\. Export the float model/,
    );
  });

  it("are not all tensors", async () => {
    const graph = graphBytes([["GlobalAveragePool", ["x"], "y"]], new Map(), [2, 4, 4]);
    await expect(measured(graph, [linear("a"), linear("b")])).rejects.toThrow("uses no weight of");
  });
});
