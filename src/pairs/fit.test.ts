import { expect, it } from "vitest";
import type { DType } from "../core/index.ts";
import type { Dataset } from "../data/index.ts";
import { buildModel, findNetwork } from "../models/index.ts";
import { requireFit } from "./fit.ts";

const data = (shape: number[], dtype: DType = "float32", more: Partial<Dataset> = {}): Dataset => ({
  name: "mine",
  split: "train",
  count: 1,
  inputs: [{ name: "x", dtype, shape }],
  labelShape: [],
  classes: 10,
  sha256: "",
  batch: () => {
    throw new Error("nothing is read");
  },
  ...more,
});

const refusal = async (network: string, samples: Dataset, sizes = {}): Promise<string> => {
  try {
    requireFit(buildModel(network, sizes), await findNetwork(network), samples);
    return "";
  } catch (error) {
    return (error as Error).message;
  }
};

it("accepts samples that fit the network", async () => {
  expect(await refusal("resnet18-nonorm", data([3, 16, 16]))).toBe("");
  expect(await refusal("mlp", data([3, 32, 32]))).toBe("");
  expect(await refusal("mlp", data([7]), { inputs: 7 })).toBe("");
  expect(await refusal("gpt", data([8], "int64", { labelShape: [8], classes: 96 }), { context: 8 })).toBe("");
});

it("explains in one sentence what does not fit", async () => {
  expect(await refusal("resnet18-nonorm", data([1, 28, 28]))).toBe(
    "resnet18-nonorm takes images [channels, height, width] with one label, but a sample of mine is [1,28,28] with one label (Conv of [1,1,28,28] with [64,3,3,3] in 1 groups). Choose other data, or another model.",
  );
  expect(await refusal("mlp", data([7]))).toContain(
    "mlp takes 3072 numbers with one label, but a sample of mine is [7]",
  );
  expect(await refusal("gpt", data([8], "int64"), { context: 8 })).toContain("is [8] with one label");
  expect(await refusal("gpt", data([3, 16, 16]))).toContain("gpt takes int64, but the array x of mine is float32");
  expect(await refusal("vgg11", data([3, 16, 16]))).toContain("needs 32x32 pixels");
  expect(await refusal("mlp", data([3, 32, 32], "float32", { classes: 11 }))).toContain("mine has 11 classes but mlp");
  expect(await refusal("resnet18-nonorm", data([5]))).toMatch(/^resnet18-nonorm takes images/);
  expect(await refusal("gpt", data([2, 8], "int64", { labelShape: [8], classes: 96 }))).toMatch(/^gpt takes tokens/);
  expect(await refusal("mlp", data([3072], "float16"))).toContain("Convert the array to float32");
  const two = [
    { name: "x", dtype: "float32" as const, shape: [3072] },
    { name: "mask", dtype: "float32" as const, shape: [1] },
  ];
  expect(await refusal("mlp", data([1], "float32", { inputs: two }))).toContain("has one input, but mine has x, mask");
  expect(await refusal("mlp", data([3, 32, 32], "float32", { labelType: "float32" }))).toContain("are real values");
});
