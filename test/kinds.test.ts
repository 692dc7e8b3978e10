// Networks with tensors that are not weights, measured: spectral norm against PyTorch's numbers, masks and infinities
// against closed forms. fixtures/spectral-norm: nn.Sequential(spectral_norm(Conv1d(4, 8, 3)), ReLU,
// AdaptiveAvgPool1d(1), Flatten, spectral_norm(Linear(8, 3))), two ends after 50 passes in training mode, each exported
// by PyTorch 1.13 without folding constants, and 60 samples. The numbers are PyTorch's losses of state dicts in which
// weight_orig and bias are averaged, and weight_u and weight_v are those of the base.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { measure, parseScans } from "../src/connectivity/index.ts";
import { type Tensor, tensor } from "../src/core/index.ts";
import { compareFiles } from "../src/distance/index.ts";
import { merge } from "../src/merging/index.ts";
import { temporaryFolder, writeTensors } from "./checkpoints.ts";
import { graphBytes } from "./onnx-graphs.ts";

const folder = temporaryFolder();
const fixture = (name: string) => join(import.meta.dirname, "fixtures/spectral-norm", name);
const samples = { name: `npz:${fixture("batch.npz")}` };

describe.each([
  ["state dicts", "a.pt", "b.pt", { name: fixture("a.onnx") }],
  ["graphs", "a.onnx", "b.onnx", {}],
])("spectral norm, two %s", (_, x, y, model) => {
  const [a, b] = [fixture(x), fixture(y)];
  const note = (fate: string) =>
    expect.stringMatching(
      new RegExp(`^Power-iteration vectors of spectral norm are not averaged: conv.* and 1 more; ${fate}\\.$`),
    );

  it("has the barriers of PyTorch with the base's vectors", async () => {
    const { document } = await measure({ a, b, model, data: samples, scans: parseScans("single,full") });
    const found = Object.fromEntries(
      document.cells.map(({ scan, layer, base, loss }) => [
        [scan, layer, base].filter((part) => part !== null).join(" "),
        loss?.barrier,
      ]),
    );
    const wanted = {
      "single conv a": 0.015931573812244526,
      "single conv b": 0.010155240049894765,
      "single fc a": -0.046762853820345285,
      "single fc b": -0.04397023951014023,
      full: -0.04540913059068674, // +2.368 with averaged vectors
    };
    expect(Object.keys(found).sort()).toEqual(Object.keys(wanted).sort());
    for (const [cell, barrier] of Object.entries(wanted)) expect(found[cell], cell).toBeCloseTo(barrier, 6);
    expect(document.layers.map(({ name, size }) => [name, size])).toEqual([
      ["conv", 104],
      ["fc", 27],
    ]);
    expect(document.notes).toContainEqual(
      note("an averaged layer uses those of its base; with both bases, an average of every layer uses those of a"),
    );
  });

  it.each([
    ["a", 1.0964132176302637],
    ["b", 1.0990079289770236],
  ] as const)("merges into the network of PyTorch, base %s", async (base, loss) => {
    const out = join(folder, `${base}-${x}`);
    const record = await merge({ a, b, out, base, measure: { a, b, model, data: samples, scans: [] } });
    expect(record.checked?.loss).toBeCloseTo(loss, 6);
    expect(record.notes).toContainEqual(note(`they come from ${base === "a" ? a : b}`));
  });

  it("leaves the vectors out of the distances", async () => {
    const { distance, layers } = await compareFiles(a, b);
    expect(layers.map(({ size }) => size)).toEqual([104, 27]);
    const { document } = await measure({ a, b, model, data: samples, scans: parseScans("full") });
    expect(document.distance.full.euclidean).toBeCloseTo(distance.full.euclidean, 12);
  });
});

describe("infinities that both ends have", () => {
  // y = softmax(x W + bias + mask) V, as in attention: what is masked has weight 0
  const weights = (x: number, bias: number[], mask: number[]): Map<string, Tensor> =>
    new Map([
      ["fc.weight", tensor("float32", [2, 3], [x, 1, 0, 2, x, 1])],
      ["fc.bias", tensor("float32", [3], bias)],
      ["score_mask", tensor("float32", [1, 3], mask)],
      ["out.weight", tensor("float32", [3, 2], [1, 0, 0, 2, 5, 5])],
    ]);
  const graph = (own: Map<string, Tensor>) =>
    graphBytes(
      [
        ["Gemm", ["x", "fc.weight", "fc.bias"], "h"],
        ["Add", ["h", "score_mask"], "i"],
        ["Softmax", ["i"], "p"],
        ["MatMul", ["p", "out.weight"], "y"],
      ],
      own,
      [2],
    );
  const write = async (name: string, own: Map<string, Tensor>) => {
    const [pt, onnx] = [join(folder, `${name}.pt`), join(folder, `${name}.onnx`)];
    await writeTensors(pt, "torch", own);
    writeFileSync(onnx, graph(own));
    return { pt, onnx };
  };

  const data = async () => {
    const path = join(folder, "samples.npz");
    await writeTensors(
      path,
      "npz",
      new Map([
        ["x", tensor("float32", [3, 2], [1, 0, 0, 1, 1, 1])],
        ["labels", tensor("int64", [3], [0, 1, 1])],
      ]),
    );
    return { name: `npz:${path}` };
  };
  const lossOf = (x: number, bias: number) => {
    const scores = [
      [x + bias, 1],
      [2 + bias, x],
      [x + 2 + bias, x + 1],
    ];
    const losses = scores.map(([u, v], i) => {
      const p = 1 / (1 + Math.exp(v - u));
      const [y0, y1] = [p, 2 * (1 - p)];
      return Math.log(Math.exp(y0) + Math.exp(y1)) - [y0, y1, y1][i];
    });
    return losses.reduce((sum, loss) => sum + loss) / 3;
  };

  it.each(["a mask", "a weight"])("are measured as they are: %s", async (where) => {
    const infinite = [0, 0, -Infinity];
    const end = (name: string, x: number, b: number) =>
      write(
        `${where}-${name}`,
        where === "a mask" ? weights(x, [b, 0, 0], infinite) : weights(x, [b, 0, -Infinity], [0, 0, 0]),
      );
    const [a, b] = [await end("a", 1, 0.5), await end("b", -2, 1)];
    const full = lossOf(-0.5, 0.75) - (lossOf(1, 0.5) + lossOf(-2, 1)) / 2;
    for (const [one, other, model] of [
      [a.onnx, b.onnx, {}],
      [a.pt, b.pt, { name: a.onnx }],
    ] as const) {
      const { document } = await measure({
        a: one,
        b: other,
        model,
        data: await data(),
        scans: parseScans("full"),
        randomDraws: 1,
      });
      expect(document.layers.map(({ name }) => name)).toContain("fc");
      if (where === "a mask") expect(document.layers.map(({ name }) => name)).toEqual(["fc", "out"]);
      expect(document.cells[0].loss?.barrier).toBeCloseTo(full, 5);
      expect(document.cells[0].baseline?.loss?.barrier).toEqual(expect.any(Number));
      expect(document.distance.full.euclidean).toBeCloseTo(Math.sqrt(18.25), 6);
    }
  });

  it("are refused where one end has them alone, and the file is named", async () => {
    const a = await write("fine", weights(1, [0, 0, 0], [0, 0, 0]));
    const b = await write("broken", weights(1, [0, -Infinity, 0], [0, 0, 0]));
    for (const [one, other, model] of [
      [a.onnx, b.onnx, {}],
      [a.pt, b.pt, { name: a.onnx }],
    ] as const)
      await expect(measure({ a: one, b: other, model, data: await data(), scans: parseScans("full") })).rejects.toThrow(
        `${other} contains NaN or infinite weights in fc.bias. Choose an earlier checkpoint, or allow such weights with --allow-nonfinite.`,
      );
  });
});
