// Graphs whose samples affect each other within a batch: the last batch is never filled up, and a note says that
// results depend on --batch. The losses follow from a closed form.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { type MeasureOptions, measure, parseScans } from "../src/connectivity/index.ts";
import { type Tensor, tensor, toNumbers } from "../src/core/index.ts";
import { temporaryFolder, writeTensors } from "./checkpoints.ts";
import { crossEntropyOf, graphBytes, type NodeSpec, randomTensor } from "./onnx-graphs.ts";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const [samples, size, classes] = [11, 4, 3];
const x = randomTensor("x", [samples, size]);
const labels = Array.from({ length: samples }, (_, i) => i % classes);
const weightOf = (end: string) => randomTensor(`${end}w`, [size, classes]);

beforeAll(async () => {
  const arrays = new Map<string, Tensor>([
    ["x", x],
    ["labels", tensor("int64", [samples], labels)],
  ]);
  await writeTensors(at("data.npz"), "npz", arrays);
});

function write(
  nodes: readonly NodeSpec[],
  batch?: number | string,
  sample: readonly (number | string)[] = [size],
): void {
  for (const end of ["a", "b"]) {
    const weights = new Map([["fc.weight", weightOf(end)]]);
    writeFileSync(at(`${end}.onnx`), graphBytes(nodes, weights, sample, "float32", batch));
  }
}

async function measured(more: Partial<MeasureOptions> = {}) {
  const { document } = await measure({
    a: at("a.onnx"),
    b: at("b.onnx"),
    model: {},
    data: { name: `npz:${at("data.npz")}` },
    scans: parseScans("full"),
    ...more,
  });
  return { ...document, notes: (document.notes ?? []).join(" ") };
}

/** The mean loss of an end or of the average, if each batch of `batch` samples is centred, and the last one shorter. */
function lossOf(ends: readonly string[], batch: number): number {
  const values = toNumbers(x);
  const weights = ends.map((end) => toNumbers(weightOf(end)));
  const losses = labels.map((label, n) => {
    const from = n - (n % batch);
    const until = Math.min(samples, from + batch);
    const centred = Array.from({ length: size }, (_, j) => {
      let mean = 0;
      for (let i = from; i < until; i++) mean += values[i * size + j] / (until - from);
      return values[n * size + j] - mean;
    });
    const scores = [0, 1, 2].map((c) =>
      centred.reduce((sum, value, j) => {
        const weight = weights.reduce((own, one) => own + one[j * classes + c] / weights.length, 0);
        return sum + value * weight;
      }, 0),
    );
    return crossEntropyOf(scores, label);
  });
  return losses.reduce((sum, loss) => sum + loss / samples, 0);
}

const centred: NodeSpec[] = [
  ["Transpose", ["x"], "t", { perm: [1, 0] }],
  ["ReduceMean", ["t", "last"], "m", { keepdims: 1 }],
  ["Sub", ["t", "m"], "d"],
  ["Transpose", ["d"], "c", { perm: [1, 0] }],
  ["MatMul", ["c", "fc.weight"], "y"],
];
const last: NodeSpec = ["Constant", [], "last", { value_ints: [1] }];
const note = "The samples of a batch affect each other's scores, so results depend on --batch.";

describe("a graph that centres its batch", () => {
  beforeAll(() => write([last, ...centred]));

  it.each([
    ["in one graph", undefined],
    ["in segments", 1],
  ])("evaluates a shorter last batch, %s", async (_, memory) => {
    const { ends, cells, notes } = await measured({ batch: 4, memory });
    expect(ends.a.loss).toBeCloseTo(lossOf(["a"], 4), 5);
    expect(cells[0].loss!.value).toBeCloseTo(lossOf(["a", "b"], 4), 5);
    expect(notes).toContain(note);
  });

  it("evaluates all samples together by default", async () => {
    expect((await measured()).ends.a.loss).toBeCloseTo(lossOf(["a"], samples), 5);
  });
});

it("refuses samples that do not fill the fixed batches of a graph that centres them", async () => {
  write([last, ...centred], 4);
  await expect(measured()).rejects.toThrow(
    /batches of 4, .* the 11 samples of .* do not fill them\. Use a multiple of 4 with --samples 8,/,
  );
  const whole = await measured({ data: { name: `npz:${at("data.npz")}`, samples: 8 } });
  expect(whole.notes).toContain(note);
});

describe("a graph with a BatchNormalization in training mode", () => {
  const ofBatch = "The graph normalises by batch statistics (BatchNormalization in training mode).";
  const constants = (count: number): NodeSpec[] => [
    ["Constant", [], "count", { value_ints: [count] }],
    ["ConstantOfShape", ["count"], "zeros"],
    ["Exp", ["zeros"], "ones"],
    ["Cos", ["zeros"], "var"], // the runtime may update statistics in place
    ["Sin", ["zeros"], "mean"],
  ];
  const norm = (from: string, to: string): NodeSpec => [
    "BatchNormalization",
    [from, "ones", "zeros", "mean", "var"],
    `${to},new mean,new var`,
    { training_mode: 1 },
  ];

  /** InstanceNorm as PyTorch exports it: each channel of each sample has its own statistics. */
  const byInstance = (batch: number): NodeSpec[] => [
    ...constants(batch),
    ["Constant", [], "one row", { value_ints: [1, batch, size] }],
    ["Constant", [], "rows", { value_ints: [batch, size] }],
    ["Reshape", ["x", "one row"], "r"],
    norm("r", "n"),
    ["Reshape", ["n", "rows"], "h"],
    ["MatMul", ["h", "fc.weight"], "y"],
  ];

  it("fills the last batch without a note if it normalises each sample alone", async () => {
    write(byInstance(4), 4);
    const { ends, notes } = await measured();
    expect(notes).not.toMatch(/batch/);
    write(byInstance(1), 1);
    expect((await measured()).ends.a.loss).toBeCloseTo(ends.a.loss!, 5);
  });

  it.each([4, 1])("has a note on it and on --batch if it normalises over batches of %d", async (batch) => {
    write([...constants(size), norm("x", "h"), ["MatMul", ["h", "fc.weight"], "y"]]);
    const { notes } = await measured({ batch });
    expect(notes).toContain(ofBatch);
    expect(notes).toContain(note);
  });
});

it("says nothing of a graph whose samples are independent", async () => {
  write([["MatMul", ["x", "fc.weight"], "y"]]);
  expect((await measured({ batch: 4 })).notes).not.toContain("--batch");
});

describe("a graph whose two free axes have no batch's name", () => {
  const sequences = { name: `npz:${at("sequences.npz")}` };
  const scores: NodeSpec = ["MatMul", ["h", "fc.weight"], "y"];
  const axis: NodeSpec = ["Constant", [], "axis", { value_int: 0 }];

  beforeAll(async () => {
    const arrays = new Map<string, Tensor>([
      ["x", randomTensor("sequences", [7, 5, size])],
      [
        "labels",
        tensor(
          "int64",
          [7, 5],
          Array.from({ length: 35 }, (_, i) => i % classes),
        ),
      ],
    ]);
    await writeTensors(at("sequences.npz"), "npz", arrays);
  });

  it.each([
    ["past steps affect later ones", { batch: 7 }],
    ["later steps affect past ones", { reverse: 1, batch: 7 }],
    ["each batch is one step", { batch: 1 }],
  ])("is refused if its first axis is time: %s", async (_, { batch, ...attributes }) => {
    write([axis, ["CumSum", ["x", "axis"], "h", attributes], scores], "s77", ["s27", size]);
    await expect(measured({ data: sequences, batch })).rejects.toThrow(
      `x of ${at("a.onnx")} has the free axes 0 and 1, and neither is named as the batch. Along axis 0, samples affect each other, as time steps do; along axis 1, they do not, so axis 1 is probably the batch. Export the graph with only its batch axis free.`,
    );
  });

  it("has its batch first if samples are independent along it, or along no axis", async () => {
    write([["Constant", [], "axis", { value_int: 1 }], ["CumSum", ["x", "axis"], "h"], scores], "s77", ["s27", size]);
    expect((await measured({ data: sequences })).notes).not.toContain("--batch");
    const both: NodeSpec = ["Constant", [], "both", { value_ints: [0, 1] }];
    write([both, ["ReduceMean", ["x", "both"], "m"], ["Sub", ["x", "m"], "h"], scores], "s77", ["s27", size]);
    expect((await measured({ data: sequences })).notes).toContain(note);
  });
});
