// Inputs of a graph other than samples, and outputs that are not scores: a training flag, the labels of a built-in
// loss, the indices of the largest scores.
import { describe, expect, it } from "vitest";
import { type DType, tensor } from "../src/core/index.ts";
import { measured, refusal, writeEnds as writeNetwork } from "./declared-graphs.ts";
import { inType, type NodeSpec, randomTensor } from "./onnx-graphs.ts";

type TypedPorts = Readonly<Record<string, readonly [DType, ...(number | string)[]]>>;

const logits: NodeSpec[] = [
  ["MatMul", ["x", "fc.weight"], "h"],
  ["Add", ["h", "fc.bias"], "logits"],
];
const inputs: TypedPorts = { x: ["float32", "n", 4] };
const outputs: TypedPorts = { logits: ["float32", "n", 3] };
const x = randomTensor("x", [9, 4]);
const labels = tensor(
  "int64",
  [9],
  Array.from({ length: 9 }, (_, i) => i % 3),
);

/** Both ends of a network with a linear layer. */
function writeEnds(nodes: readonly NodeSpec[], ins: TypedPorts, outs: TypedPorts, dtype: DType = "float32") {
  const sizes = (ports: TypedPorts) =>
    Object.fromEntries(Object.entries(ports).map(([name, [, ...dims]]) => [name, dims]));
  return writeNetwork({
    nodes,
    weights: (end) =>
      inType(
        new Map([
          ["fc.weight", randomTensor(`${end}w`, [4, 3])],
          ["fc.bias", randomTensor(`${end}b`, [3])],
        ]),
        dtype,
      ),
    inputs: sizes(ins),
    outputs: sizes(outs),
    types: Object.fromEntries(Object.entries({ ...ins, ...outs }).map(([name, [type]]) => [name, type])),
  });
}

const lossOf = async (...given: Parameters<typeof measured>) => (await measured(...given)).document.ends.a.loss!;

describe("an input with a single value", () => {
  const flag: NodeSpec[] = [
    ["Cast", ["learning_phase:0"], "phase", { to: 1 }],
    ["Mul", ["phase", "phase"], "square"],
    logits[0],
    ["Add", ["h", "fc.bias"], "sum"],
    ["Add", ["sum", "square"], "logits"],
  ];
  const ends = writeEnds(flag, { ...inputs, "learning_phase:0": ["bool"] }, outputs);
  const off = (...shape: number[]) => tensor("bool", shape);

  it.each([[[]], [[1]], [[9]]])("may have the shape %j", async (shape) => {
    const plain = await lossOf(writeEnds(logits, inputs, outputs), { x, labels });
    expect(await lossOf(ends, { x, labels, "learning_phase:0": off(...shape) })).toBeCloseTo(plain, 6);
  });

  it("is named if the data lacks it, or has several values", async () => {
    expect(await refusal(ends, { x, labels })).toMatch(
      /^The model has an input learning_phase:0 \(bool, one value of shape \[\]\), but npz:\S+ has only x\. Add an array learning_phase:0\.$/,
    );
    expect(await refusal(ends, { labels, "learning_phase:0": off() })).toMatch(
      /^The model has an input x \(float32, shape \[n,4\]\), but /,
    );
    expect(await refusal(ends, { x, labels, "learning_phase:0": off(2) })).toMatch(
      /^The model's input learning_phase:0 is a single value \(shape \[\]\), but in \S+ it has shape \[2\]\. Save a single value/,
    );
  });
});

describe("labels as an input of a graph", () => {
  const withLoss: NodeSpec[] = [...logits, ["SoftmaxCrossEntropyLoss", ["logits", "labels"], "loss"]];
  const taken: TypedPorts = { ...inputs, labels: ["int64", "n"] };

  it("are fed, and the scores are evaluated as without its loss", async () => {
    const plain = await lossOf(writeEnds(logits, inputs, outputs), { x, labels });
    const ends = writeEnds(withLoss, taken, { loss: ["float32"], ...outputs });
    expect(await lossOf(ends, { x, labels })).toBeCloseTo(plain, 6);
    expect(await lossOf(ends, { x, labels }, { output: "logits" })).toBeCloseTo(plain, 6);
  });

  it("leave no scores if the loss is the only output", async () => {
    expect(await refusal(writeEnds(withLoss, taken, { loss: ["float32"] }), { x, labels })).toContain(
      "The output loss [] of the model is a loss, which the graph computes from labels, not scores.",
    );
  });
});

describe("an output that is not scores", () => {
  const places: NodeSpec[] = [...logits, ["ArgMax", ["logits"], "y", { axis: 1, keepdims: 0 }]];
  const sentence = (dtype: string) =>
    `The output y [9] of the model contains class indices (${dtype}, from ArgMax), not scores, so it has no loss. Export the model without the final ArgMax.`;

  it.each(["classify", "regress", undefined] as const)("is a class index, for any task (%s)", async (task) => {
    expect(await refusal(writeEnds(places, inputs, { y: ["int64", "n"] }), { x, labels }, { task })).toBe(
      sentence("int64"),
    );
    const asFloats = writeEnds(
      [...places.slice(0, 2), ["ArgMax", ["logits"], "p", { axis: 1, keepdims: 0 }], ["Cast", ["p"], "y", { to: 1 }]],
      inputs,
      { y: ["float32", "n"] },
    );
    const values = tensor("float32", [9], labels.data as never);
    for (const given of [labels, values])
      expect(await refusal(asFloats, { x, labels: given }, { task })).toBe(sentence("float32"));
  });

  it("is ignored if there are scores", async () => {
    const plain = await lossOf(writeEnds(logits, inputs, outputs), { x, labels });
    const ends = writeEnds(places, inputs, { y: ["int64", "n"], ...outputs });
    expect(await lossOf(ends, { x, labels })).toBeCloseTo(plain, 6);
    expect(await refusal(ends, { x, labels }, { output: "y" })).toBe(sentence("int64"));
  });

  it("has integers", async () => {
    const rounded: NodeSpec[] = [...logits, ["Cast", ["logits"], "y", { to: 6 }]];
    expect(await refusal(writeEnds(rounded, inputs, { y: ["int32", "n", 3] }), { x, labels })).toBe(
      "The output y [9,3] of the model contains int32, not scores. Export the model with float scores.",
    );
  });
});

it.each([
  [8, 5],
  [8, 40],
])("an output without an axis of %d samples is refused, with labels for %d positions", async (batch, positions) => {
  const ends = writeNetwork({
    nodes: [
      ["Constant", [], "sizes", { value_ints: [1, 40, 2] }],
      ["Reshape", ["x", "sizes"], "rows"],
      ["MatMul", ["rows", "fc.weight"], "scores"],
    ],
    weights: (seed) => new Map([["fc.weight", randomTensor(seed, [2, 3])]]),
    inputs: { x: [batch, 5, 2] },
    outputs: { scores: [1, 40, 3] },
  });
  const samples = randomTensor("rows", [batch, 5, 2]);
  const labels = tensor("int64", [batch, positions], Array(batch * positions).fill(2) as never);
  expect(await refusal(ends, { x: samples, labels })).toBe(
    "The output scores of the model has the shape [1,40,3] for a batch of 8, without an axis for the samples. Export the model again so that the scores have that axis.",
  );
});

it("labels counted from 1 need one class too many", async () => {
  const fromOne = tensor("int64", [9], [1, 2, 3, 1, 2, 3, 1, 2, 3]);
  expect(await refusal(writeEnds(logits, inputs, outputs), { x, labels: fromOne })).toMatch(
    /Its outputs are logits \[9,3\]\. If the labels are counted from 1, subtract 1\. Give other labels/,
  );
});

it("labels counted from 0 are never reported as counted from 1, for any image size", async () => {
  const planes: NodeSpec[] = [["Conv", ["x", "conv.weight"], "logits"]];
  const ends = writeNetwork({
    nodes: planes,
    weights: (seed) => new Map([["conv.weight", randomTensor(seed, [5, 2, 1, 1])]]),
    inputs: { x: ["n", 2, 4, 4] },
    outputs: { logits: ["n", 5, 4, 4] },
  });
  const images = randomTensor("images", [6, 2, 4, 4]);
  const large = tensor("int64", [6, 8, 8], Array.from({ length: 384 }, (_, i) => i % 5) as never);
  expect(await refusal(ends, { x: images, labels: large })).toBe(
    "No output of the model contains scores [6,classes,8,8] or [6,8,8,classes] for 5 classes (the largest label is 4). Its outputs are logits [6,5,4,4]. If these are scores at [4,4] for labels at [8,8], resize the scores in the graph, or the labels. Give other labels, or set --output and --task.",
  );
  const fromOne = tensor("int64", [6, 4, 4], Array.from({ length: 96 }, (_, i) => 1 + (i % 5)) as never);
  expect(await refusal(ends, { x: images, labels: fromOne })).toContain(
    "If the labels are counted from 1, subtract 1.",
  );
});

it("names the type that an operation of the runtime does not support", async () => {
  const half: NodeSpec[] = [
    ["Cast", ["x"], "h", { to: 16 }],
    ["Gemm", ["h", "fc.weight", "fc.bias"], "s"],
    ["Cast", ["s"], "logits", { to: 1 }],
  ];
  expect(await refusal(writeEnds(half, inputs, outputs, "bfloat16"), { x, labels })).toMatch(
    /^ONNX Runtime cannot run F\/\d+\.onnx: it does not support Gemm in bfloat16 on this device\. Convert the model to float32/,
  );
});

describe("outputs that do not depend on the samples", () => {
  // declared without sizes, so the graph is run
  const ports = { version: [1], bias: [3], table: ["a", "b"], doubled: ["a", "b"], logits: ["n", "c"] };
  const ends = (outputs: Readonly<Record<string, readonly (number | string)[]>>) =>
    writeNetwork({
      nodes: [
        ...logits,
        ["Identity", ["fc.bias"], "bias"],
        ["Identity", ["stored"], "table"], // could be scores by its shape
        ["Add", ["stored", "table"], "doubled"],
      ],
      weights: (end) =>
        new Map([
          ["fc.weight", randomTensor(`${end}w`, [4, 3])],
          ["fc.bias", randomTensor(`${end}b`, [3])],
          ["version", tensor("float32", [1], [3])],
          ["stored", randomTensor("table", [9, 3])],
        ]),
      inputs: { x: ["n", 4] },
      outputs,
    });

  it("are skipped where the scores are looked for", async () => {
    const plain = await lossOf(writeEnds(logits, inputs, outputs), { x, labels });
    expect(await lossOf(ends(ports), { x, labels })).toBeCloseTo(plain, 6);
  });

  it("are refused where they are named, or the only ones", async () => {
    for (const output of ["version", "bias", "table", "doubled"])
      expect(await refusal(ends(ports), { x, labels }, { output })).toBe(
        `The output ${output} of the model does not depend on the samples, so it has no scores. Choose another --output: logits.`,
      );
    expect(await refusal(ends({ version: [1] }), { x, labels })).toBe(
      "The output version of the model does not depend on the samples, so it has no scores. Export the model with its scores.",
    );
  });
});

it("says how to save an input of another type", async () => {
  const ends = writeEnds(logits, inputs, outputs);
  expect(await refusal(ends, { x: tensor("uint8", [9, 4]), labels })).toMatch(
    /^The model's input x is float32, but npz:\S+ has uint8\. Save the values that the model expects \(pixels are often normalised\) as float32\.$/,
  );
  const whole = writeEnds([["Cast", ["i"], "x", { to: 1 }], ...logits], { i: ["int64", "n", 4] }, outputs);
  expect(await refusal(whole, { i: x, labels })).toMatch(
    /^The model's input i is int64, .* Convert the array to int64\.$/,
  );
});
