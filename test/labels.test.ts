import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readMeasurement, saveMeasurement } from "../src/connectivity/index.ts";
import { type DType, sizeOf, type Tensor, tensor, toNumbers } from "../src/core/index.ts";
import { onnxTypes } from "../src/graph/index.ts";
import { Scores } from "../src/sweep/index.ts";
import { type DeclaredNetwork, folder, measured, refusal, writeEnds } from "./declared-graphs.ts";
import { crossEntropyOf, randomTensor } from "./onnx-graphs.ts";

/** y = x w + bias over the last axis, w [4, classes]. */
const linear = (
  inputs: readonly (number | string)[],
  outputs: readonly (number | string)[],
  { classes = 3, bias, opset }: { classes?: number; bias?: readonly number[]; opset?: number } = {},
): DeclaredNetwork => ({
  nodes: [
    ["MatMul", ["x", "fc.weight"], "h"],
    ["Add", ["h", "fc.bias"], "y"],
  ],
  weights: (seed) =>
    new Map([
      ["fc.weight", randomTensor(`${seed}w`, [4, classes], -2, 2)],
      ["fc.bias", bias ? tensor("float32", [classes], bias) : randomTensor(`${seed}b`, [classes])],
    ]),
  inputs: { x: inputs },
  outputs: { y: outputs },
  opset,
});

/** Losses computed by hand for rows of four numbers, without those of negative labels. */
function lossesOf({ weights }: DeclaredNetwork, seed: string, x: Tensor, labels: ArrayLike<number>): number[] {
  const [w, bias] = [...weights(seed).values()].map(toNumbers);
  const rows = toNumbers(x);
  return Array.from(labels, (label, i) => {
    const logits = Array.from(bias, (b, k) =>
      [0, 1, 2, 3].reduce((sum, j) => sum + rows[4 * i + j] * w[j * bias.length + k], b),
    );
    return crossEntropyOf(logits, label);
  }).filter((_, i) => labels[i] >= 0);
}
const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;

const whole = (shape: readonly number[], values: ArrayLike<number>, dtype: DType = "int64"): Tensor =>
  tensor(dtype, shape, values);
const classesOf = (count: number, classes: number) => Array.from({ length: count }, (_, i) => (i * 7 + 2) % classes);
/** The array with two axes swapped. */
function swapped({ dtype, shape: [n, t, ...rest], data }: Tensor): Tensor {
  const size = sizeOf(rest);
  const out = tensor(dtype, [t, n, ...rest]);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < t; j++)
      for (let k = 0; k < size; k++) out.data[(j * n + i) * size + k] = data[(i * t + j) * size + k];
  return out;
}

/** Every way to store class labels of n samples. */
const stored: Readonly<Record<string, (labels: readonly number[], classes: number) => Tensor>> = {
  int64: (labels) => whole([labels.length], labels),
  column: (labels) => whole([labels.length, 1], labels),
  int32: (labels) => whole([labels.length], labels, "int32"),
  uint8: (labels) => whole([labels.length], labels, "uint8"),
  floats: (labels) => whole([labels.length], labels, "float32"),
  doubles: (labels) => whole([labels.length, 1], labels, "float64"),
  "one-hot": (labels, classes) => oneHot(labels, classes, "int64"),
  "one-hot floats": (labels, classes) => oneHot(labels, classes, "float32"),
};
const oneHot = (labels: readonly number[], classes: number, dtype: DType): Tensor =>
  whole(
    [labels.length, classes],
    labels.flatMap((label) => Array.from({ length: classes }, (_, k) => Number(k === label))),
    dtype,
  );

it("reads class labels of any type and shape as the same classification", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...Object.keys(stored)),
      fc.integer({ min: 2, max: 5 }),
      fc.integer({ min: 6, max: 9 }),
      fc.constantFrom("labels", "label", "y", "targets", "target"),
      async (how, classes, count, name) => {
        const network = linear(["n", 4], ["n", classes], { classes });
        const x = randomTensor(`${count}`, [count, 4]);
        const labels = classesOf(count, classes);
        const { document } = await measured(writeEnds(network), { x, [name]: stored[how](labels, classes) });
        expect(document.ends.a.loss).toBeCloseTo(mean(lossesOf(network, "a", x, labels)), 5);
        expect(document.ends.b.loss).toBeCloseTo(mean(lossesOf(network, "b", x, labels)), 5);
        expect(document.model.task).toBe(
          `classification of ${classes} classes, scores [n, ${classes}] in output y, batch axis 0`,
        );
        const [first, ...rest] = document.notes ?? [];
        const isNoted = first === `The labels are the array ${name}.`;
        expect(isNoted).toBe(name !== "labels");
        const notes = isNoted || !first ? rest : [first, ...rest];
        if (how.startsWith("one-hot")) expect(notes[0]).toContain("one-hot rows");
        else expect(notes).toEqual(/floats|doubles/.test(how) ? [expect.stringContaining("stored as floats")] : []);
      },
    ),
    { numRuns: 12 },
  );
});

it("finds a free batch axis, with samples first or in the graph's layout", async () => {
  const network = linear([5, "n", 4], [5, "n", 3]);
  const ends = writeEnds(network);
  const x = randomTensor("steps", [8, 5, 4]);
  const labels = classesOf(40, 3);
  const y = whole([8, 5], labels);
  const truth = mean(lossesOf(network, "a", x, labels));
  for (const arrays of [
    { x, labels: y },
    { x: swapped(x), labels: y },
    { x: swapped(x), labels: swapped(y) },
  ]) {
    const { document } = await measured(ends, arrays, { batch: 3 });
    expect(document.ends.a.loss).toBeCloseTo(truth, 5);
    expect(document.model.task).toContain("[5, n, 3] in output y, batch axis 1 of x, 1 of the output");
  }
  const square = { x: randomTensor("square", [5, 5, 4]), labels: whole([5, 5], classesOf(25, 3)) };
  expect(await refusal(ends, square)).toMatch(
    /^x of .*npz, \[5,5,4\], can be read in two ways: as 5 samples along axis 0, or as 5 samples along axis 1\. Save/,
  );
  const open = writeEnds(linear(["t", "batch", 4], ["t", "batch", 3]));
  expect(await refusal(open, { x, labels: y })).toMatch(
    /can be read in two ways: .*, or as 5 samples along axis 1\. Export the graph with only its batch axis free\.$/,
  );
  const single = writeEnds(linear([1, "t", 4], [1, "t", 3])); // a batch of one, of any length
  expect((await measured(single, { x, labels: y })).document.ends.a.loss).toBeCloseTo(truth, 5);
});

it("finds the output's batch axis by its size if it has no name", async () => {
  const network: DeclaredNetwork = {
    ...linear([5, "n", 4], ["m", 3]),
    nodes: [
      ["ReduceMean", ["x"], "p", { axes: [0], keepdims: 0 }],
      ["MatMul", ["p", "fc.weight"], "h"],
      ["Add", ["h", "fc.bias"], "y"],
    ],
  };
  const x = randomTensor("steps", [8, 5, 4]);
  const labels = classesOf(8, 3);
  const means = tensor(
    "float32",
    [8, 4],
    Array.from({ length: 32 }, (_, i) =>
      mean([0, 1, 2, 3, 4].map((t) => toNumbers(x)[(i >> 2) * 20 + 4 * t + (i & 3)])),
    ),
  );
  const { document } = await measured(writeEnds(network), { x, labels: whole([8], labels) });
  expect(document.ends.a.loss).toBeCloseTo(mean(lossesOf(network, "a", means, labels)), 5);
});

it("feeds an input without a free axis whole", async () => {
  const network: DeclaredNetwork = {
    ...linear(["n", 4], ["n", 3]),
    nodes: [
      ["Mul", ["x", "scale"], "s"],
      ["ReduceSum", ["state"], "r", { axes: [0], keepdims: 0 }],
      ["Add", ["s", "r"], "t"],
      ["MatMul", ["t", "fc.weight"], "h"],
      ["Add", ["h", "fc.bias"], "y"],
    ],
    inputs: { x: ["n", 4], scale: [], state: [2, "n", 4] },
    opset: 11,
  };
  const ends = writeEnds(network);
  const x = randomTensor("x", [6, 4]);
  const state = randomTensor("state", [6, 2, 4]);
  const labels = classesOf(6, 3);
  const fed = tensor(
    "float32",
    [6, 4],
    Array.from(toNumbers(x), (value, i) => {
      const at = 8 * (i >> 2) + (i & 3);
      return 2 * value + toNumbers(state)[at] + toNumbers(state)[at + 4];
    }),
  );
  const truth = mean(lossesOf(network, "a", fed, labels));
  const y = whole([6], labels);
  for (const arrays of [
    { x, scale: tensor("float32", [], [2]), state: swapped(state), labels: y },
    { x, scale: tensor("float32", [6], Array(6).fill(2)), state, labels: y },
  ]) {
    const { document } = await measured(ends, arrays, { batch: 4 });
    expect(document.ends.a.loss).toBeCloseTo(truth, 5);
    expect(document.model.task).toContain("batch axis 0 of x, 1 of state, 0 of the output, scale fed whole");
  }
  const unlike = { x, scale: tensor("float32", [6], [1, 1, 1, 2, 1, 1]), state, labels: y };
  expect(await refusal(ends, unlike)).toContain("takes one scale of shape [] for all samples, but");
});

it("ignores negative labels, like PyTorch's ignore_index, and stores the weight of each sample", async () => {
  const network = linear(["n", "t", 4], ["n", "t", 3]);
  const ends = writeEnds(network);
  const count = 7;
  const x = randomTensor("rows", [count, 6, 4]);
  // sample i has i labels: the first has none
  const labels = classesOf(6 * count, 3).map((label, i) => (i % 6 < Math.floor(i / 6) ? label : i % 2 ? -100 : -1));
  const y = whole([count, 6], labels);
  const { document, scores } = await measured(ends, { x, labels: y }, { batch: 4 });
  const each = (seed: string) => lossesOf(network, seed, x, labels);
  expect(document.ends.a.loss).toBeCloseTo(mean(each("a")), 5);
  expect(document.ends.b.loss).toBeCloseTo(mean(each("b")), 5);
  expect(document.notes).toEqual(["21 of 42 labels are negative and do not count."]);
  expect([...scores.weights!]).toEqual([0, 1, 2, 3, 4, 5, 6]);

  // the ratio's variance, over the six samples that have labels
  const [cell] = document.cells;
  const barriers = [...scores.barriers({ sources: [{ kind: "average", alpha: 0.5 }] }, 0.5, "loss")];
  const total = 21;
  const ratio = barriers.reduce((sum, d, i) => sum + i * d, 0) / total;
  const variance = (barriers.reduce((sum, d, i) => sum + (i * (d - ratio)) ** 2, 0) * 6) / 5 / total ** 2;
  expect(cell.loss!.barrier).toBeCloseTo(ratio, 9);
  expect(cell.loss!.interval![1] - ratio).toBeCloseTo(1.959963984540054 * Math.sqrt(variance), 9);

  const place = await saveMeasurement(document, scores, { html: "", figures: {}, csv: "" }, join(folder, "saved"));
  expect((await readMeasurement(place))!.ends).toEqual(document.ends);
  const read = await Scores.read(join(place, "samples.safetensors"));
  expect([...read.weights!]).toEqual([...scores.weights!]);
  const parts = Scores.join([read.slice(0, 3), read.slice(3, 7)]);
  expect([...parts.weights!]).toEqual([...scores.weights!]);

  // omitting the sample without labels changes nothing
  const rest = { x: randomTensor("rows", [count, 6, 4]), labels: y };
  const without = {
    x: tensor("float32", [count - 1, 6, 4], toNumbers(rest.x).slice(24)),
    labels: whole([count - 1, 6], labels.slice(6)),
  };
  const other = (await measured(ends, without)).document;
  expect(other.cells[0].loss!.barrier).toBeCloseTo(cell.loss!.barrier!, 6);
  expect(other.cells[0].loss!.interval![0]).toBeCloseTo(cell.loss!.interval![0], 6);
  expect(other.cells[0].error!.interval![0]).toBeCloseTo(cell.error!.interval![0], 6);
});

it("a classification with a negative label equals that of the other samples", async () => {
  const network = linear(["n", 4], ["n", 3], { opset: 7 });
  const ends = writeEnds(network);
  const x = randomTensor("x", [9, 4]);
  const labels = classesOf(9, 3).map((label, i) => (i === 4 ? -100 : label));
  const all = (await measured(ends, { x, labels: whole([9], labels) })).document;
  const some = {
    x: tensor("float32", [8, 4], [...toNumbers(x)].toSpliced(16, 4)),
    labels: whole([8], labels.toSpliced(4, 1)),
  };
  const { cells, ends: values } = (await measured(ends, some)).document;
  expect(all.ends.a.loss).toBeCloseTo(values.a.loss!, 6);
  expect(all.ends.a.error).toBeCloseTo(values.a.error!, 6);
  expect(all.cells[0].error!.interval![0]).toBeCloseTo(cells[0].error!.interval![0], 6);
  expect(all.cells[0].error!.interval![1]).toBeCloseTo(cells[0].error!.interval![1], 6);
});

it("a class with a logit of -inf does not count, in any operator set", async () => {
  const bias = [0.3, -0.2, 0.1, Number.NEGATIVE_INFINITY];
  const x = randomTensor("x", [9, 4]);
  const labels = classesOf(9, 3);
  for (const opset of [7, 8, 9, 13, 18]) {
    const network = linear(["n", 4], ["n", 4], { classes: 4, bias, opset });
    const { document } = await measured(
      writeEnds(network),
      { x, labels: whole([9], labels) },
      { allowNonfinite: true },
    );
    const [a, b] = ["a", "b"].map((seed) => mean(lossesOf(network, seed, x, labels)));
    expect(document.ends.a.loss).toBeCloseTo(a, 5);
    expect(document.ends.b.loss).toBeCloseTo(b, 5);
    expect(document.cells[0].loss!.barrier).not.toBeNull();
  }
  const network = writeEnds(linear(["n", 4], ["n", 4], { classes: 4, bias }));
  const { document } = await measured(network, { x, labels: whole([9], labels.with(0, 3)) }, { allowNonfinite: true });
  expect(document.ends.a.loss).toBeNull(); // the label's own logit is -inf
});

it("values of positions without a label may be NaN", async () => {
  const network: DeclaredNetwork = {
    ...linear(["n", "t", 4], ["n", "t", 3]),
    nodes: [
      ["MatMul", ["x", "fc.weight"], "h"],
      ["Add", ["h", "fc.bias"], "l"],
      ["Sqrt", ["mask"], "m"], // NaN where the mask is -1
      ["Add", ["l", "m"], "y"],
    ],
    inputs: { x: ["n", "t", 4], mask: ["n", "t", 1] },
  };
  const x = randomTensor("x", [5, 2, 4]);
  const labels = classesOf(10, 3).map((label, i) => (i % 3 ? label : -100));
  const mask = tensor(
    "float32",
    [5, 2, 1],
    labels.map((label) => (label < 0 ? -1 : 0)),
  );
  const { document } = await measured(writeEnds(network), { x, mask, labels: whole([5, 2], labels) });
  expect(document.ends.a.loss).toBeCloseTo(mean(lossesOf(network, "a", x, labels)), 5);
});

it("one score for two classes gives a binary cross entropy, of the sigmoid's input if there is one", async () => {
  const raw = linear(["n", 4], ["n", 1], { classes: 1 });
  const sigmoid: DeclaredNetwork = {
    ...raw,
    nodes: [
      ...raw.nodes.slice(0, 1),
      ["Add", ["h", "fc.bias"], "z"],
      ["Sigmoid", ["z"], "s"],
      ["Reshape", ["s", "flat"], "y"],
    ],
    outputs: { y: ["n"] },
    weights: (seed) => new Map([...raw.weights(seed), ["flat", whole([1], [-1])]]),
  };
  const x = randomTensor("x", [9, 4], -20, 20);
  const labels = classesOf(9, 2);
  const truth = (seed: string) => {
    const [w, bias] = [...raw.weights(seed).values()].map(toNumbers);
    const losses = labels.map((label, i) => {
      const z = [0, 1, 2, 3].reduce((sum, j) => sum + toNumbers(x)[4 * i + j] * w[j], bias[0]);
      const away = label ? -z : z;
      return Math.max(away, 0) + Math.log1p(Math.exp(-Math.abs(away)));
    });
    return mean(losses);
  };
  const y = whole([9], labels);
  for (const labels of [y, whole([9, 1], toNumbers(y), "bool"), whole([9], toNumbers(y), "float32")]) {
    const { document } = await measured(writeEnds(sigmoid), { x, labels });
    expect(document.ends.a.loss).toBeCloseTo(truth("a"), 4);
    expect(document.model.task).toBe(
      "classification of 2 classes, one score for both, before its sigmoid, [n] in output y, batch axis 0",
    );
  }
  const chosen = await measured(writeEnds(raw), { x, labels: y }, { task: "classify" });
  expect(chosen.document.ends.b.loss).toBeCloseTo(truth("b"), 4);
  expect(chosen.document.ends.a.error).toBeGreaterThanOrEqual(0);
  const values = await measured(writeEnds(raw), { x, labels: y }, { task: "regress" });
  expect(values.document.ends.a.error).toBeNull();
  expect(await refusal(writeEnds(raw), { x, labels: y })).toMatch(
    /are 0 and 1, and the output y \[9,1\] has one score for each, .*Choose with --task classify or --task regress\.$/,
  );
});

it("classes along the second axis are a segmentation; if both axes fit, --task decides", async () => {
  const network = (classes: number): DeclaredNetwork => ({
    nodes: [["Conv", ["x", "c.weight"], "y"]],
    weights: (seed) => new Map([["c.weight", randomTensor(seed, [classes, 4, 1, 1], -2, 2)]]),
    inputs: { x: ["n", 4, 2, 3] },
    outputs: { y: ["n", classes, 2, 3] },
  });
  const x = randomTensor("x", [7, 4, 2, 3]);
  /** The same numbers with the channels last, which the linear network takes. */
  const last = tensor(
    "float32",
    [42, 4],
    Array.from(
      { length: 168 },
      (_, i) => toNumbers(x)[Math.floor(i / 24) * 24 + (i % 4) * 6 + (Math.floor(i / 4) % 6)],
    ),
  );
  const asLinear = (classes: number): DeclaredNetwork => ({
    ...network(classes),
    weights(seed) {
      const own = toNumbers(network(classes).weights(seed).get("c.weight")!);
      const w = Array.from({ length: 4 * classes }, (_, i) => own[(i % classes) * 4 + Math.floor(i / classes)]);
      return new Map([
        ["w", tensor("float32", [4, classes], w)],
        ["b", tensor("float32", [classes])],
      ]);
    },
  });
  const labels = classesOf(42, 5).map((label, i) => (i % 5 === 1 ? -1 : label));
  const y = whole([7, 2, 3], labels);
  const { document } = await measured(writeEnds(network(5)), { x, labels: y });
  expect(document.ends.a.loss).toBeCloseTo(mean(lossesOf(asLinear(5), "a", last, labels)), 5);
  expect(document.model.task).toContain("5 classes for each position, scores [n, 5, 2, 3]");

  const square = writeEnds({ ...linear(["n", 3, 4], ["n", 3, 3]) });
  const tokens = { x: randomTensor("t", [7, 3, 4]), labels: whole([7, 3], classesOf(21, 3)) };
  expect(await refusal(square, tokens)).toContain("Choose with --task tokens or --task segment.");
  const [rows, columns] = await Promise.all(
    (["tokens", "segment"] as const).map((task) => measured(square, tokens, { task })),
  );
  expect(rows.document.ends.a.loss).toBeCloseTo(mean(lossesOf(linear([], []), "a", tokens.x, classesOf(21, 3))), 5);
  expect(columns.document.ends.a.loss).not.toBeCloseTo(rows.document.ends.a.loss!, 3);
});

it("suggests --task regress for integer labels if the graph gives one value", async () => {
  const ends = writeEnds(linear(["n", 4], ["n", 1], { classes: 1 }));
  const x = randomTensor("x", [6, 4]);
  for (const dtype of ["int64", "uint8"] as const) {
    const labels = whole([6], [20, 31, 42, 79, 60, 11], dtype);
    expect(await refusal(ends, { x, labels })).toContain(
      "Its outputs are y [6,1]. If the labels are values, such as ages, use --task regress. Give other labels,",
    );
    expect((await measured(ends, { x, labels }, { task: "regress" })).document.ends.a.error).toBeNull();
  }
});

it("names the labels that it refuses", async () => {
  const ends = writeEnds(linear(["n", 4], ["n", 3]));
  const x = randomTensor("x", [6, 4]);
  const soft = tensor("float32", [6, 3], Array(6).fill([0.2, 0.3, 0.5]).flat());
  expect(await refusal(ends, { x, labels: soft })).toContain(
    "are soft labels (rows that sum to 1), which are not supported",
  );
  expect((await measured(ends, { x, labels: soft }, { task: "regress" })).document.ends.a.error).toBeNull();
  expect(await refusal(ends, { x, labels: whole([6], [0, 1, 2, 7, 0, 1]) })).toContain(
    "for 8 classes (the largest label is 7). Its outputs are y [6,3]. Give other labels,",
  );
  expect(await refusal(ends, { x, labels: whole([6], [0, 1, 2, 255, 0, 1]) })).toContain(
    "(the largest label is 255). Its outputs are y [6,3]. If 255 marks ignored labels, save -1 instead. Give other",
  );
  expect(await refusal(ends, { x, labels: whole([6], [0, 255, 0, 255, 0, 255]) })).toContain(
    "If the labels are masks of a picture, divide them by 255. Give other",
  );
  expect(await refusal(ends, { x, label: whole([6], classesOf(6, 3)), y: whole([6], classesOf(6, 3)) })).toContain(
    "has no array named labels, but several that could be the labels: label, y. Rename",
  );
  expect(await refusal(ends, { x, labels: whole([5], classesOf(5, 3)) })).toContain("6 samples in x but 5 in labels");
});

it("converts integers and bools only without loss", async () => {
  const network: DeclaredNetwork = {
    ...linear(["n", 4], ["n", 3]),
    nodes: [
      ["Cast", ["mask"], "m", { to: onnxTypes.float32 }],
      ["Mul", ["x", "m"], "s"],
      ["MatMul", ["s", "fc.weight"], "h"],
      ["Add", ["h", "fc.bias"], "y"],
    ],
    inputs: { x: ["n", 4], mask: ["n", 4] },
    types: { mask: "bool" },
  };
  const x = randomTensor("x", [6, 4]);
  const on = Array.from({ length: 24 }, (_, i) => Number(i % 3 > 0));
  const masked = tensor("float32", [6, 4], toNumbers(x).map((value, i) => value * on[i]) as Float32Array);
  const labels = whole([6], classesOf(6, 3));
  const truth = mean(lossesOf(network, "a", masked, classesOf(6, 3)));
  for (const [wanted, given] of [
    ["bool", "int64"],
    ["int64", "bool"],
    ["int64", "uint8"],
    ["int32", "int64"],
  ] as const) {
    const ends = writeEnds({ ...network, types: { mask: wanted } });
    const { document } = await measured(ends, { x, mask: whole([6, 4], on, given), labels });
    expect(document.ends.a.loss, `${given} for ${wanted}`).toBeCloseTo(truth, 5);
  }
  const mask = whole([6, 4], on.with(5, 7));
  expect(await refusal(writeEnds(network), { x, mask, labels })).toMatch(
    /The model takes mask as bool, but in .* it has the value 7\. Save mask as bool\./,
  );
  const floats = tensor("float32", [6, 4], on);
  expect(await refusal(writeEnds(network), { x, mask: floats, labels })).toMatch(/mask is bool, but .* has float32/);
});

describe("a graph that computes its own loss", () => {
  const withLoss = (nodes: DeclaredNetwork["nodes"], outputs: DeclaredNetwork["outputs"], dtype: DType = "int64") => ({
    ...linear(["n", 4], []),
    nodes: [...linear([], []).nodes, ...nodes],
    inputs: { x: ["n", 4], labels: ["n"] },
    outputs,
    types: { labels: dtype },
  });
  const x = randomTensor("rows", [12, 4]);
  const labels = whole([12], classesOf(12, 3));
  const crossEntropy = (reduction: string): DeclaredNetwork["nodes"] => [
    ["SoftmaxCrossEntropyLoss", ["y", "labels"], "loss", { reduction }],
  ];
  const bySquares: DeclaredNetwork["nodes"] = [
    ["ReduceMean", ["y"], "p", { axes: [1], keepdims: 0 }],
    ["Cast", ["labels"], "values", { to: 1 }],
    ["Sub", ["p", "values"], "d"],
    ["Mul", ["d", "d"], "loss"],
  ];
  const advice = "which the graph computes from labels, not scores. Export the model with its scores (logits) as an";

  it("is refused if the loss is all that it gives", async () => {
    for (const [nodes, shape] of [
      [crossEntropy("mean"), []],
      [crossEntropy("none"), ["n"]],
      [bySquares, ["n"]],
    ] as const)
      for (const task of [undefined, "regress", "classify"] as const) {
        const ends = writeEnds(withLoss(nodes, { loss: shape }));
        const message = await refusal(ends, { x, labels }, { task, batch: 4 });
        expect(message).toBe(`The output loss [${shape.length ? 4 : ""}] of the model is a loss, ${advice} output.`);
      }
  });

  it("is measured by its other outputs, also where labels become values or have another type", async () => {
    const scored = writeEnds(withLoss(crossEntropy("none"), { loss: ["n"], y: ["n", 3] }));
    const { document } = await measured(scored, { x, labels }, { batch: 4 });
    expect(document.ends.a.loss).toBeCloseTo(mean(lossesOf(linear([], []), "a", x, classesOf(12, 3))), 5);
    expect(await refusal(scored, { x, labels }, { output: "loss" })).toContain("not scores. Choose another --output.");

    const small = writeEnds(withLoss(bySquares, { loss: ["n"], y: ["n", 3] }, "int32"));
    const int32 = whole([12], classesOf(12, 3), "int32");
    expect((await measured(small, { x, labels: int32 })).document.ends).toEqual(document.ends);

    const squares = writeEnds(withLoss(bySquares, { loss: ["n"], p: ["n"] }));
    const regressed = await measured(squares, { x, labels }, { task: "regress", batch: 4 });
    expect(regressed.document.model.task).toContain("regression, values [n] in output p");
  });
});

it("takes the logarithm of a softmax over any axes, so that it equals a LogSoftmax", async () => {
  const x = randomTensor("rows", [6, 5, 4]);
  const labels = whole([6, 5], classesOf(30, 3));
  // before operator set 13, axis 1 means all axes from there on
  for (const [opset, axis] of [
    [11, 1],
    [13, 1],
    [13, 2],
  ]) {
    const [plain, logarithm] = await Promise.all(
      ["Softmax", "LogSoftmax"].map(async (op) => {
        const network = linear(["n", 5, 4], ["n", 5, 3], { opset });
        const nodes: DeclaredNetwork["nodes"] = [
          network.nodes[0],
          ["Add", ["h", "fc.bias"], "z"],
          [op, ["z"], "y", { axis }],
        ];
        return (await measured(writeEnds({ ...network, nodes }), { x, labels }, { batch: 3, task: "tokens" })).document;
      }),
    );
    expect(plain.ends.a.loss).toBeCloseTo(logarithm.ends.a.loss!, 5);
    expect(plain.cells[0].loss!.barrier).toBeCloseTo(logarithm.cells[0].loss!.barrier!, 5);
    expect(plain.notes?.join()).toContain(
      axis === 2 ? "is a softmax of the scores;" : "contains probabilities; their logarithms are used as scores.",
    );
  }
});

it("takes the logits of a softmax that underflows, also behind reshapes", async () => {
  const raw = linear(["n", 4], ["n", 3]);
  const network: DeclaredNetwork = {
    ...raw,
    nodes: [
      ...raw.nodes.slice(0, 1),
      ["Add", ["h", "fc.bias"], "z"],
      ["Softmax", ["z"], "p", { axis: 1 }],
      ["Reshape", ["p", "flat"], "y"],
    ],
    weights: (seed) => new Map([...raw.weights(seed), ["flat", whole([2], [-1, 3])]]),
  };
  const x = randomTensor("x", [9, 4], -200, 200);
  const labels = classesOf(9, 3);
  const { ends, notes } = (await measured(writeEnds(network), { x, labels: whole([9], labels) })).document;
  const truth = mean(lossesOf(raw, "a", x, labels));
  expect(truth).toBeGreaterThan(100); // the smallest probability gives 87
  expect(Math.abs(ends.a.loss! / truth - 1)).toBeLessThan(1e-6);
  expect(notes).toEqual(["The output y is a softmax of the scores; the scores before the softmax are used as logits."]);
});
