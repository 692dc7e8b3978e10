// Labels whose axes differ from those of the scores: in another order, merged, or of another length.
import { describe, expect, it } from "vitest";
import { type Tensor, tensor, toNumbers } from "../src/core/index.ts";
import { type DeclaredNetwork, measured, refusal, writeEnds } from "./declared-graphs.ts";
import { randomTensor } from "./onnx-graphs.ts";

/** Scores of every position of an image, [n, classes, rows, columns]; the classes last if `isLast`. */
const convolution = (classes: number, isLast = false): DeclaredNetwork => ({
  nodes: isLast
    ? [
        ["Conv", ["x", "c.weight"], "h"],
        ["Transpose", ["h"], "y", { perm: [0, 2, 3, 1] }],
      ]
    : [["Conv", ["x", "c.weight"], "y"]],
  weights: (end) => new Map([["c.weight", randomTensor(end, [classes, 2, 1, 1], -2, 2)]]),
  inputs: { x: ["n", 2, 3, 5] },
  outputs: { y: isLast ? ["n", 3, 5, classes] : ["n", classes, 3, 5] },
});

const x = randomTensor("x", [6, 2, 3, 5]);

/** [n, channels, 3, 5] with the channels last. */
function channelsLast({ dtype, shape: [count, channels], data }: Tensor): Tensor {
  const out = tensor(dtype, [count, 3, 5, channels]);
  for (let n = 0; n < count; n++)
    for (let c = 0; c < channels; c++)
      for (let i = 0; i < 15; i++) out.data[(n * 15 + i) * channels + c] = data[(n * channels + c) * 15 + i];
  return out;
}

describe("one-hot masks", () => {
  const classes = Array.from({ length: 90 }, (_, i) => (i * 7 + (i % 4)) % 4);
  const indices = tensor("int64", [6, 3, 5], classes);
  const masks = (dtype: "float32" | "uint8") => {
    const out = tensor(dtype, [6, 4, 3, 5]);
    for (const [i, one] of classes.entries()) out.data[(Math.floor(i / 15) * 4 + one) * 15 + (i % 15)] = 1;
    return out;
  };

  /** The masks in the order of the scores, in one row for each sample. */
  const merged = (isLast: boolean, dtype: "float32" | "uint8") => ({
    ...(isLast ? channelsLast(masks(dtype)) : masks(dtype)),
    shape: [6, 60],
  });

  it.each([
    ["first", false],
    ["last", true],
  ])("are classes on any axis, for scores with the classes %s", async (_, isLast) => {
    const ends = writeEnds(convolution(4, isLast));
    const wanted = (await measured(ends, { x, labels: indices })).document;
    for (const dtype of ["float32", "uint8"] as const)
      for (const labels of [masks(dtype), channelsLast(masks(dtype)), merged(isLast, dtype)]) {
        const { ends: found, model, notes } = (await measured(ends, { x, labels })).document;
        expect(found).toEqual(wanted.ends);
        expect(model.task).toBe(wanted.model.task);
        expect(notes?.join()).toContain("The labels are one-hot rows");
      }
  });
});

describe("values", () => {
  const ends = writeEnds(convolution(4));
  const values = randomTensor("y", [6, 4, 3, 5]);
  const ofShape = (...shape: number[]) => tensor("float32", [6, ...shape], toNumbers(values));

  it("fit if sizes of 1 or merged neighbouring axes are the only difference", async () => {
    const wanted = (await measured(ends, { x, labels: values })).document.ends;
    for (const labels of [ofShape(60), ofShape(4, 15), ofShape(12, 5), ofShape(4, 1, 3, 5, 1), ofShape(2, 2, 3, 5)])
      expect((await measured(ends, { x, labels })).document.ends).toEqual(wanted);
  });

  it("may be classes if they are 0 and 1 with merged axes, but not one-hot", async () => {
    for (const dtype of ["float32", "uint8"] as const) {
      const labels = tensor(
        dtype,
        [6, 60],
        Array.from({ length: 360 }, (_, i) => Number(i > 99)),
      );
      expect(await refusal(ends, { x, labels })).toContain("Choose with --task classify or --task regress.");
      const { task } = (await measured(ends, { x, labels }, { task: "classify" })).document.model;
      expect(task).toContain("one score for both, [n, 4, 3, 5]");
    }
  });

  it("are refused with their axes in another order or split differently", async () => {
    expect(await refusal(ends, { x, labels: channelsLast(values) })).toBe(
      "No output of the model contains values for the labels [6,3,5,4]. Its outputs are y [6,4,3,5]. If the axes of the labels are in another order, transpose them to [6,4,3,5]. Give other labels, or set --output and --task.",
    );
    expect(await refusal(ends, { x, labels: ofShape(6, 10) })).toContain(
      "contains values for the labels [6,6,10]. Its outputs are y [6,4,3,5]. Give other labels,",
    );
    expect(await refusal(ends, { x, labels: tensor("int64", [6, 3, 5, 4]) }, { task: "regress" })).toContain(
      "transpose them to [6,4,3,5]",
    );
  });
});

describe("a free sequence axis", () => {
  const network: DeclaredNetwork = {
    nodes: [["MatMul", ["x", "fc.weight"], "y"]],
    weights: (end) => new Map([["fc.weight", randomTensor(end, [2, 4], -2, 2)]]),
    inputs: { x: ["n", "t", 2] },
    outputs: { y: ["n", "t", 4] },
  };
  const ends = writeEnds(network);
  const sequences = randomTensor("s", [6, 7, 2]);

  it.each([[[6, 6]], [[6, 3]], [[6, 8]]])("needs a label for each position, not %j", async (shape) => {
    const labels = tensor("int64", shape, Array(shape[0] * shape[1]).fill(3));
    expect(await refusal(ends, { x: sequences, labels })).toBe(
      `No output of the model contains scores [${shape},classes] for 4 classes (the largest label is 3). Its outputs are y [6,7,4]. A sample needs a label for each of its 7 positions; negative ones do not count. Give other labels, or set --output and --task.`,
    );
  });

  it("does not fit one label for a sample", async () => {
    const labels = tensor("int64", [6, 1], Array(6).fill(3));
    expect(await refusal(ends, { x: sequences, labels })).toContain("contains scores [6,classes] for 4 classes");
  });

  it("takes labels that are shorter, if they are filled up with negative ones", async () => {
    const rows = Array.from({ length: 42 }, (_, i) => (i % 7 < 5 ? i % 4 : -1));
    const { document } = await measured(ends, { x: sequences, labels: tensor("int64", [6, 7], rows) });
    const some = tensor(
      "float32",
      [6, 5, 2],
      [...toNumbers(sequences)].filter((_, i) => Math.floor(i / 2) % 7 < 5),
    );
    const short = tensor(
      "int64",
      [6, 5],
      rows.filter((label) => label >= 0),
    );
    const wanted = (await measured(ends, { x: some, labels: short })).document;
    expect(document.ends.a.loss).toBeCloseTo(wanted.ends.a.loss!, 6);
  });
});
