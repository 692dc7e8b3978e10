// Networks with simulated quantisation: each end keeps its own scales and zero points, which belong together.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { measure } from "../src/connectivity/index.ts";
import { type Tensor, tensor, toNumbers } from "../src/core/index.ts";
import { compareFiles } from "../src/distance/index.ts";
import { merge } from "../src/merging/index.ts";
import { readTensors, temporaryFolder, writeTensors } from "./checkpoints.ts";
import { crossEntropyOf, graphBytes, randomTensor } from "./onnx-graphs.ts";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const x = randomTensor("x", [6, 4]);
const labels = [0, 1, 2, 0, 1, 2];
const weightOf = (end: string) => randomTensor(`${end}w`, [4, 3]);
const quantiserOf = (end: string) => ({ scale: end === "a" ? 0.02 : 0.05, zero: end === "a" ? 92 : 35 });

/** An exported graph: the zero point has no name of the network, and another dtype than in the state dict. */
async function write(end: string): Promise<void> {
  const { scale, zero } = quantiserOf(end);
  const weights = new Map<string, Tensor>([
    ["fc.weight", weightOf(end)],
    ["act.scale", tensor("float32", [1], [scale])],
    ["onnx::QuantizeLinear_9", tensor("uint8", [1], [zero])],
  ]);
  const bytes = graphBytes(
    [
      ["QuantizeLinear", ["x", "act.scale", "onnx::QuantizeLinear_9"], "q"],
      ["DequantizeLinear", ["q", "act.scale", "onnx::QuantizeLinear_9"], "d"],
      ["MatMul", ["d", "fc.weight"], "y"],
    ],
    weights,
    [4],
  );
  writeFileSync(at(`${end}.onnx`), bytes);
  await writeTensors(
    at(`${end}.pt`),
    "torch",
    new Map<string, Tensor>([
      ["act.fake_quant_enabled", tensor("uint8", [1], [1])],
      ["act.scale", tensor("float32", [1], [scale])],
      ["act.zero_point", tensor("int32", [1], [zero])],
      ["act.observer.min_val", tensor("float32", [], [-scale])],
      ["act.observer.max_val", tensor("float32", [], [scale])],
      ["fc.weight", weightOf(end)],
    ]),
  );
}

beforeAll(async () => {
  await write("a");
  await write("b");
  const arrays = new Map<string, Tensor>([
    ["x", x],
    ["labels", tensor("int64", [6], labels)],
  ]);
  await writeTensors(at("data.npz"), "npz", arrays);
});

/** The loss with the weights' average at `alpha` and the quantiser of an end. */
function lossOf(alpha: number, end: string): number {
  const { scale, zero } = quantiserOf(end);
  const [a, b] = ["a", "b"].map((one) => toNumbers(weightOf(one)));
  const quantised = Array.from(toNumbers(x), (value) => {
    const level = Math.round(value / Math.fround(scale)) + zero;
    return (Math.min(255, Math.max(0, level)) - zero) * scale;
  });
  const losses = labels.map((label, n) => {
    const scores = [0, 1, 2].map((c) =>
      [0, 1, 2, 3].reduce((sum, i) => {
        const weight = (1 - alpha) * a[i * 3 + c] + alpha * b[i * 3 + c];
        return sum + quantised[n * 4 + i] * weight;
      }, 0),
    );
    return crossEntropyOf(scores, label);
  });
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}

const measured = async (kind: "onnx" | "pt", base: "a" | "b", name?: string) => {
  const data = { name: `npz:${at("data.npz")}` };
  const { document } = await measure({
    a: at(`a.${kind}`),
    b: at(`b.${kind}`),
    model: name ? { name: at(name) } : {},
    data,
    scans: ["full"],
    base,
  });
  return document;
};

describe("quantisers", () => {
  it.each([
    ["two graphs", "onnx", undefined],
    ["state dicts with a's graph", "pt", "a.onnx"],
    ["state dicts with b's graph", "pt", "b.onnx"],
  ] as const)("are each end's own, and an average's base's: %s", async (_, kind, name) => {
    for (const base of ["a", "b"] as const) {
      const { ends, cells, notes } = await measured(kind, base, name);
      expect(ends.a.loss).toBeCloseTo(lossOf(0, "a"), 5);
      expect(ends.b.loss).toBeCloseTo(lossOf(1, "b"), 5);
      const mean = (lossOf(0, "a") + lossOf(1, "b")) / 2;
      expect(cells[0].loss?.barrier).toBeCloseTo(lossOf(0.5, base) - mean, 5);
      expect(notes?.join(" ")).toContain("Scales, zero points and ranges of quantisers are not averaged: act.scale");
    }
  });

  it.each(["onnx", "pt"])("do not count in distances of .%s files", async (kind) => {
    const { distance } = await compareFiles(at(`a.${kind}`), at(`b.${kind}`));
    const [a, b] = ["a", "b"].map((end) => toNumbers(weightOf(end)));
    expect(distance.full.euclidean).toBeCloseTo(Math.hypot(...Array.from(a, (value, i) => value - b[i])), 5);
  });

  it("are the base's in a merged file", async () => {
    await merge({ a: at("a.pt"), b: at("b.pt"), out: at("m.pt"), base: "b" });
    const merged = await readTensors(at("m.pt"));
    expect([merged.get("act.scale")!.data[0], merged.get("act.zero_point")!.data[0]]).toEqual([Math.fround(0.05), 35]);
    await merge({ a: at("a.onnx"), b: at("b.onnx"), out: at("m.onnx") });
    const graph = await readTensors(at("m.onnx"));
    expect(graph.get("onnx::QuantizeLinear_9")!.data[0]).toBe(92);
    expect(graph.get("fc.weight")!.data[0]).toBeCloseTo(
      (weightOf("a").data[0] as number) / 2 + (weightOf("b").data[0] as number) / 2,
      6,
    );
  });
});

it("an integer that the graph uses is each end's own", async () => {
  const network = (end: string, steps: number) =>
    new Map<string, Tensor>([
      ["fc.weight", weightOf(end)],
      ["fc.steps", tensor("int64", [1], [steps])],
    ]);
  const states = { a: network("a", 2), b: network("b", 5) };
  const graphOf = (weights: ReadonlyMap<string, Tensor>) =>
    graphBytes(
      [
        ["Cast", ["fc.steps"], "s", { to: 1 }],
        ["MatMul", ["x", "fc.weight"], "h"],
        ["Mul", ["h", "s"], "y"],
      ],
      weights,
      [4],
    );
  for (const [end, weights] of Object.entries(states)) {
    await writeTensors(at(`steps-${end}.pt`), "torch", weights);
    writeFileSync(at(`steps-${end}.onnx`), graphOf(weights));
  }
  const data = { name: `npz:${at("data.npz")}` };
  const lossesWith = async (model: string | undefined, kind: string) => {
    const [a, b] = ["a", "b"].map((end) => at(`steps-${end}.${kind}`));
    const { document } = await measure({ a, b, model: { name: model }, data, scans: ["full"] });
    return [document.ends.a.loss, document.ends.b.loss];
  };
  const truth = await lossesWith(undefined, "onnx");
  expect(truth[0]).not.toBeCloseTo(truth[1]!, 2);
  for (const end of ["a", "b"]) expect(await lossesWith(at(`steps-${end}.onnx`), "pt")).toEqual(truth);
});
