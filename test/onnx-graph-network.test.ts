// A network on the nodes of a graph: each node is a sample, and its scores depend on its neighbours.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import { beforeAll, expect, it } from "vitest";
import { measure } from "../src/connectivity/index.ts";
import { tensor, toNumbers } from "../src/core/index.ts";
import { temporaryFolder, writeTensors } from "./checkpoints.ts";
import { crossEntropyOf, graphBytes, randomTensor, valueInfo } from "./onnx-graphs.ts";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const edges = [0, 7, 3, 9, 11, 5, 2, 4, 1, 8]; // five edges: sources, then targets
const x = randomTensor("x", [12, 4]);
const labels = Array.from({ length: 12 }, (_, node) => node % 3);

/** Scores of a node: those of its own values, and the mean over the ends of all edges. */
function write(name: string): string {
  const weights = new Map([
    ["own.weight", randomTensor(`${name}own`, [4, 3])],
    ["near.weight", randomTensor(`${name}near`, [4, 3])],
    ["axes", tensor("int64", [2], [0, 1])],
  ]);
  const model = fromBinary(
    ModelProtoSchema,
    graphBytes(
      [
        ["MatMul", ["x", "own.weight"], "o"],
        ["MatMul", ["x", "near.weight"], "n"],
        ["Gather", ["n", "edges"], "g", { axis: 0 }],
        ["ReduceMean", ["g", "axes"], "m", { keepdims: 0 }],
        ["Add", ["o", "m"], "y"],
      ],
      weights,
      [4],
    ),
  );
  model.graph!.input.push(valueInfo("edges", [2n, "e"], "int64"));
  writeFileSync(at(`${name}.onnx`), toBinary(ModelProtoSchema, model));
  return at(`${name}.onnx`);
}

beforeAll(() =>
  writeTensors(
    at("nodes.npz"),
    "npz",
    new Map([
      ["x", x],
      ["edges", tensor("int64", [2, 5], edges)],
      ["labels", tensor("int64", [12], labels)],
    ]),
  ),
);

const measured = (batch?: number) =>
  measure({
    a: write("a"),
    b: write("b"),
    model: {},
    data: { name: `npz:${at("nodes.npz")}` },
    scans: ["full"],
    batch,
  });

it("is evaluated on all nodes together", async () => {
  const { document } = await measured(12);
  const own = (name: string) => toNumbers(randomTensor(`a${name}`, [4, 3]));
  const product = (node: number, w: ArrayLike<number>) =>
    [0, 1, 2].map((c) => [0, 1, 2, 3].reduce((sum, i) => sum + toNumbers(x)[node * 4 + i] * w[i * 3 + c], 0));
  const ends = edges.map((node) => product(node, own("near")));
  const context = [0, 1, 2].map((c) => ends.reduce((sum, end) => sum + end[c], 0) / edges.length);
  const losses = labels.map((label, node) => {
    const scores = product(node, own("own")).map((value, c) => value + context[c]);
    return crossEntropyOf(scores, label);
  });
  expect(document.ends.a.loss).toBeCloseTo(losses.reduce((sum, loss) => sum + loss, 0) / 12, 5);
});

it("is refused in smaller batches, with the batch that it needs", async () => {
  await expect(measured(4)).rejects.toThrow("must be evaluated together: use --batch 12");
});
