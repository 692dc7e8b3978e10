// The layers of a graph with two state dicts: in the order in which the graph uses them, whatever the files' order is.
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
  ])("is the graph's where the files sort their names, its normalisations %s", async (_, graph) => {
    const ends = [sorted(network("a")), sorted(network("b"))] as const;
    const document = await measured(graph(network("a")), [counted(ends[0]), counted(ends[1])], "shallow");
    const names = ["conv1", "bn1", "conv2", "bn2", "fc"];
    expect(namesOf(document)).toEqual(names);
    expect(document.layers[3].parameters).toContain("bn2.num_batches_tracked");
    expect(document.cells.filter(({ base }) => base === "a").map(({ layer }) => layer)).toEqual(names);
    const inOrder = await measured(graph(network("a")), [network("a"), network("b")], "shallow");
    expect(document.cells.map(({ loss }) => loss)).toEqual(inOrder.cells.map(({ loss }) => loss));
  });

  it.each([true, false])("puts a tied tensor where it is used last, under two names in the graph: %s", async (both) => {
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
