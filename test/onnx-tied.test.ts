// A tied embedding that constant folding stored twice, once transposed: one layer, with both copies averaged together.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { measure, parseScans } from "../src/connectivity/index.ts";
import { type Tensor, tensor, toNumbers } from "../src/core/index.ts";
import { compareFiles } from "../src/distance/index.ts";
import { merge } from "../src/merging/index.ts";
import { readTensors, temporaryFolder, writeTensors } from "./checkpoints.ts";
import { crossEntropyOf, graphBytes, type NodeSpec, randomTensor } from "./onnx-graphs.ts";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const classes = 6;
const width = 4;

const nodes: NodeSpec[] = [
  ["Gather", ["wte.weight", "x"], "e"],
  ["MatMul", ["e", "fc.weight"], "h"],
  ["MatMul", ["h", "onnx::MatMul_7"], "/lm_head/MatMul"],
  ["Identity", ["/lm_head/MatMul"], "y"],
];

function transposed({ shape: [rows, columns], data }: Tensor): Tensor {
  const elements = Array.from({ length: rows * columns }, (_, i) =>
    Number(data[(i % rows) * columns + Math.floor(i / rows)]),
  );
  return tensor("float32", [columns, rows], elements);
}

const weights = (seed: string, isTied = true) => {
  const wte = randomTensor(`${seed}wte`, [classes, width], -2, 2);
  const head = isTied ? wte : randomTensor(`${seed}head`, [classes, width]);
  return new Map([
    ["wte.weight", wte],
    ["fc.weight", randomTensor(`${seed}fc`, [width, width], -2, 2)],
    ["onnx::MatMul_7", transposed(head)],
  ]);
};

const write = (name: string, tensors: Map<string, Tensor>) => {
  writeFileSync(at(name), graphBytes(nodes, tensors, [3], "int64"));
  return at(name);
};

const ids = tensor(
  "int64",
  [8, 3],
  Array.from({ length: 24 }, (_, i) => (5 * i + (i % 7)) % classes),
);
const labels = tensor(
  "int64",
  [8, 3],
  Array.from({ length: 24 }, (_, i) => (3 * i + (i % 5)) % classes),
);

beforeAll(() =>
  writeTensors(
    at("data.npz"),
    "npz",
    new Map([
      ["x", ids],
      ["labels", labels],
    ]),
  ),
);

/** The mean cross entropy of the network with a single embedding matrix. */
function lossOf(wte: Tensor, fc: Tensor): number {
  const [e, w] = [toNumbers(wte), toNumbers(fc)];
  let loss = 0;
  for (let i = 0; i < 24; i++) {
    const row = Number(ids.data[i]) * width;
    const hidden = Array.from({ length: width }, (_, j) =>
      Array.from({ length: width }, (_, k) => e[row + k] * w[k * width + j]).reduce((x, y) => x + y, 0),
    );
    const logits = Array.from({ length: classes }, (_, c) =>
      hidden.reduce((sum, h, j) => sum + h * e[c * width + j], 0),
    );
    loss += crossEntropyOf(logits, Number(labels.data[i]));
  }
  return loss / 24;
}

const half = (x: Tensor, y: Tensor) =>
  tensor(
    "float32",
    x.shape,
    Array.from(toNumbers(x), (value, i) => (value + toNumbers(y)[i]) / 2),
  );

it("is one layer of two graphs, measured, compared and merged as one", async () => {
  const [x, y] = [weights("a"), weights("b")];
  const [a, b] = [write("a.onnx", x), write("b.onnx", y)];
  const [wte, fc] = ["wte.weight", "fc.weight"].map((name) => [x.get(name)!, y.get(name)!] as const);
  const { document } = await measure({
    a,
    b,
    model: {},
    data: { name: `npz:${at("data.npz")}`, split: "train" },
    scans: parseScans("single,full"),
    base: "a",
  });
  expect(document.layers.map(({ name, parameters }) => [name, parameters])).toEqual([
    ["fc", ["fc.weight"]],
    ["lm_head", ["wte.weight", "onnx::MatMul_7"]],
  ]);
  const losses = new Map(document.cells.map(({ layer, loss }) => [layer, loss!.value!]));
  expect(losses.get("lm_head")).toBeCloseTo(lossOf(half(...wte), fc[0]), 5);
  expect(losses.get("fc")).toBeCloseTo(lossOf(wte[0], half(...fc)), 5);
  expect(losses.get(null)).toBeCloseTo(lossOf(half(...wte), half(...fc)), 5);
  const note = "The graph contains a weight twice, once transposed: wte.weight and onnx::MatMul_7. They are averaged";
  expect(document.notes?.join()).toContain(note);

  const compared = await compareFiles(a, b);
  expect(compared.layers.map(({ name, size }) => [name, size])).toEqual([
    ["fc", 16],
    ["lm_head", 48],
  ]);
  expect(compared.notes?.join()).toContain(note);
  const out = at("merged.onnx");
  await merge({ a, b, out, layers: ["lm_head"] });
  const written = await readTensors(out);
  expect(toNumbers(written.get("wte.weight")!)).toEqual(toNumbers(half(...wte)));
  expect(toNumbers(written.get("onnx::MatMul_7")!)).toEqual(toNumbers(transposed(half(...wte))));
});

it("is two layers if one of the files has two weights", async () => {
  const [a, b] = [write("tied.onnx", weights("a")), write("apart.onnx", weights("b", false))];
  const { layers, notes } = await compareFiles(a, b);
  expect(layers.map(({ name }) => name)).toEqual(["wte", "fc", "lm_head"]);
  expect(notes).toBeUndefined();
});
