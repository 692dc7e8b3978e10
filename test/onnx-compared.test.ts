// Scores that compare the samples of a batch with each other, as CLIP's do: the batch decides the loss.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { measure } from "../src/connectivity/index.ts";
import { tensor, toNumbers } from "../src/core/index.ts";
import { temporaryFolder, writeTensors } from "./checkpoints.ts";
import { crossEntropyOf, graphBytes, randomTensor } from "./onnx-graphs.ts";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const count = 70; // more than the default batch
const x = randomTensor("x", [count, 4]);
const weightOf = (name: string) => randomTensor(name, [4, 4]);

/** Scores [n, n]: each sample's values times those of all samples of its batch. */
function write(name: string): string {
  const nodes = [
    ["MatMul", ["x", "fc.weight"], "h"],
    ["Transpose", ["x"], "t", { perm: [1, 0] }],
    ["MatMul", ["h", "t"], "y"],
  ] as const;
  writeFileSync(at(name), graphBytes(nodes, new Map([["fc.weight", weightOf(name)]]), [4]));
  return at(name);
}

/** The loss of sample n's pair, itself, among the samples from `start` to `end`. */
function lossOf(name: string, n: number, start: number, end: number): number {
  const [values, w] = [toNumbers(x), toNumbers(weightOf(name))];
  const row = [0, 1, 2, 3].map((j) => [0, 1, 2, 3].reduce((sum, i) => sum + values[n * 4 + i] * w[i * 4 + j], 0));
  const scores = Array.from({ length: end - start }, (_, m) =>
    row.reduce((sum, value, j) => sum + value * values[(start + m) * 4 + j], 0),
  );
  return crossEntropyOf(scores, n - start);
}

const meanOf = (name: string, batch: number) =>
  Array.from({ length: count }, (_, n) => {
    const start = n - (n % batch);
    return lossOf(name, n, start, start + batch);
  }).reduce((sum, loss) => sum + loss, 0) / count;

const all = Array.from({ length: count }, (_, n) => n);
beforeAll(async () => {
  await writeTensors(
    at("pairs.npz"),
    "npz",
    new Map([
      ["x", x],
      ["labels", tensor("int64", [count], all)],
    ]),
  );
  const within = all.map((n) => n % 10);
  await writeTensors(
    at("tiled.npz"),
    "npz",
    new Map([
      ["x", x],
      ["labels", tensor("int64", [count], within)],
    ]),
  );
});

const measured = async (data: string, batch?: number) => {
  const [a, b] = [write("a.onnx"), write("b.onnx")];
  const { document } = await measure({ a, b, model: {}, data: { name: `npz:${at(data)}` }, scans: ["full"], batch });
  return document.ends;
};

describe("scores among the samples of a batch", () => {
  it("are right with the batch that they need", async () => {
    const together = await measured("pairs.npz", count);
    expect(together.a.loss).toBeCloseTo(meanOf("a.onnx", count), 5);
    const tiled = await measured("tiled.npz", 10);
    expect(tiled.b.loss).toBeCloseTo(meanOf("b.onnx", 10), 5);
  });

  it("are refused with another batch than the user's, with the one to give", async () => {
    await expect(measured("tiled.npz")).rejects.toThrow(
      "compare the samples of a batch with each other, so the batch decides the loss. Choose it with --batch: 70 evaluates",
    );
    await expect(measured("pairs.npz")).rejects.toThrow(
      "If the scores compare all samples with each other, evaluate them together with --batch 70.",
    );
  });

  it("are not suspected where the number of classes is that of a batch", async () => {
    const weights = new Map([["fc.weight", randomTensor("wide", [4, 35])]]); // two batches of 35
    writeFileSync(at("wide.onnx"), graphBytes([["MatMul", ["x", "fc.weight"], "y"]], weights, [4]));
    const data = { name: `npz:${at("tiled.npz")}` };
    const path = at("wide.onnx");
    const { document } = await measure({ a: path, b: path, model: {}, data, scans: ["full"] });
    expect(document.ends.a.loss).toBeGreaterThan(0);
  });
});
