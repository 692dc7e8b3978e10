// The features of measure beyond the paper, on small networks: random baselines, precision, maxima over alpha, metrics,
// statistics, tasks, and wrong input.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { encodeMeasurement, type MeasureOptions, measure, parseMeasurement } from "../src/connectivity/index.ts";
import { average, randomStream, type Tensor, tensor, UserError } from "../src/core/index.ts";
import { reshape, serialise, softmax, type Value } from "../src/graph/index.ts";
import { buildModel, initialise, type Model } from "../src/models/index.ts";
import { renderMeasurement } from "../src/report/index.ts";
import { temporaryFolder, writeTensors } from "./checkpoints.ts";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const model = buildModel("mlp", { inputs: 4, hidden: 8, depth: 3, classes: 3 });

async function save(name: string, tensors: ReadonlyMap<string, Tensor>): Promise<string> {
  await writeTensors(at(name), "safetensors", tensors);
  return at(name);
}

/** Weights three times as large as usual, so that barriers are not zero. */
const far = (seed: number, of: Model = model) =>
  new Map(
    [...initialise(of, seed)].map(([name, t]): [string, Tensor] => [
      name,
      t.data instanceof Float32Array ? { ...t, data: t.data.map((x) => 3 * x) } : t,
    ]),
  );

const base = (): MeasureOptions => ({
  a: at("a.safetensors"),
  b: at("b.safetensors"),
  model: { name: "mlp" },
  data: { name: `npz:${at("data.npz")}` },
  scans: ["single", "full"],
});

beforeAll(async () => {
  await save("a.safetensors", far(1));
  await save("b.safetensors", far(2));
  const random = randomStream(1, "samples");
  const points = Float32Array.from({ length: 4 * 3000 }, () => random.normal());
  const labels = Int32Array.from({ length: 3000 }, (_, i) => (points[4 * i] > 0.5 ? 2 : points[4 * i + 1] > 0 ? 1 : 0));
  await writeTensors(
    at("data.npz"),
    "npz",
    new Map([
      ["x", { dtype: "float32", shape: [3000, 4], data: points } as Tensor],
      ["labels", { dtype: "int32", shape: [3000], data: labels } as Tensor],
    ]),
  );
});

describe("measure", () => {
  it("gives every cell random steps of equal norm, the same for the same seed", async () => {
    const { document, scores } = await measure({ ...base(), randomDraws: 3 });
    for (const { baseline } of document.cells) {
      const { barrier, draws } = baseline!.loss!;
      expect(draws).toHaveLength(3);
      expect(new Set(draws).size).toBe(3);
      expect(barrier).toBeCloseTo(draws.reduce((s, x) => s! + x! / 3, 0)!, 10);
    }
    expect([...scores.rows.keys()].some((key) => key.includes("ra0.5#2"))).toBe(true);
    expect((await measure({ ...base(), randomDraws: 3 })).document.cells).toEqual(document.cells);
    expect(parseMeasurement(JSON.parse(JSON.stringify(encodeMeasurement(document))), "x")).toEqual(document);
  });

  it("stops adding samples once intervals are narrow, and agrees with a plain measurement on the same samples", async () => {
    const { document } = await measure({ ...base(), precision: 0.05 });
    const seen = document.cells.map((cell) => cell.samples!);
    expect(Math.min(...seen)).toBeLessThan(3000);
    for (const cell of document.cells) {
      const [low, high] = cell.loss!.interval!;
      expect(cell.samples === 3000 || (high - low) / 2 <= 0.05).toBe(true);
      const options = base();
      const plain = await measure({ ...options, data: { ...options.data, samples: cell.samples } });
      const same = plain.document.cells.find(
        (c) => c.scan === cell.scan && c.layer === cell.layer && c.base === cell.base,
      )!;
      expect(cell.loss!.barrier).toBe(same.loss!.barrier);
    }
    expect(document.data.samples).toBe(Math.max(...seen));
  });

  it("reports the largest barrier over alpha, and divides the full barrier among the layers", async () => {
    const { document } = await measure({ ...base(), alphas: [0.25, 0.5, 0.75] });
    for (const line of document.lines!) {
      const cells = document.cells.filter(
        (c) => c.scan === line.scan && c.layer === line.layer && c.base === line.base,
      );
      expect(line.max_loss!.barrier).toBe(Math.max(...cells.map((c) => c.loss!.barrier!)));
    }
    const full = document.cells.find((c) => c.scan === "full" && c.alpha === 0.5)!;
    expect(document.shares!.loss!.even).toBeCloseTo(full.loss!.barrier! / 3, 12);
    const shares = Object.values(document.shares!.loss!.by_parameters);
    expect(shares.reduce((s, x) => s + x, 0)).toBeCloseTo(full.loss!.barrier!, 12);
  });

  it("omits metrics that were not requested", async () => {
    const { document } = await measure({ ...base(), metrics: ["error"] });
    expect(document.cells.every(({ loss, error }) => !loss && error!.value !== null)).toBe(true);
    for (const stored of encodeMeasurement(document).cells)
      expect([stored.loss, stored.loss_barrier, stored.loss_interval]).toEqual([null, null, null]);
    expect(document.ends.a.loss).toBeNull();
    expect(document.metrics).toEqual(["error"]);
    expect(document.verdict).toEqual((await measure(base())).document.verdict); // still by the losses
    expect(renderMeasurement(document).html.split("<script")[0]).not.toMatch(/not finite|Loss barrier/);
  });

  it("averages the chosen layers together on the requested base", async () => {
    const on = async (base_: "a" | "b") => {
      const { document } = await measure({ ...base(), layers: ["layers.0"], base: base_ });
      return document.cells.map((cell) => cell.loss!.value);
    };
    for (const [single, full] of [await on("a"), await on("b")]) expect(full).toBe(single);
  });

  it("rejects a window larger than the number of layers", async () => {
    await expect(measure({ ...base(), scans: ["window:9"] })).rejects.toThrow(
      "window:9 needs 9 layers, but there are 3",
    );
  });

  it("draws and judges one alpha, and lists all", async () => {
    const { document } = await measure({ ...base(), alphas: [0.3] });
    const { html } = renderMeasurement(document);
    expect(html).toContain("at alpha 0.3");
    expect(html).not.toContain("were measured.");
    expect(document.verdict.alpha).toBe(0.3);
  });

  it("keeps the running statistics of a with --stats a", async () => {
    const network = buildModel("resnet20", { width: 4 });
    const ends = [far(1, network), far(2, network)].map(
      (weights) =>
        new Map(
          [...weights].map(([name, t]): [string, Tensor] => [
            name,
            name.endsWith("var") ? { ...t, data: Float32Array.from(t.data as Float32Array, (_, i) => 1 + i) } : t,
          ]),
        ),
    );
    const data = { name: "cifar10-half", samples: 20 };
    const a = await save("bn-a.safetensors", ends[0]);
    const b = await save("bn-b.safetensors", ends[1]);
    const options = { a, b, model: { name: "resnet20" }, data, scans: ["full"] } as const;
    const { document } = await measure({ ...options, statistics: "a" });
    expect(document.notes!.join()).toContain("kept from a");
    const manual = new Map(
      [...ends[0]].map(([name, t]) => [name, /running|batches/.test(name) ? t : average(t, ends[1].get(name)!, 0.5)]),
    );
    const averaged = await save("bn-avg.safetensors", manual);
    const direct = await measure({ ...options, a: averaged, b: averaged });
    expect(document.cells[0].loss!.value).toBeCloseTo(direct.document.ends.a.loss!, 5);
  });
});

describe("measuring an ONNX graph", () => {
  /** The graph of an MLP with its weights, for a batch of ten: a regression, or with a softmax at the end. */
  async function written(name: string, seed: number, end: (scores: Value) => Value = (y) => y): Promise<string> {
    const network = buildModel("mlp", { inputs: 4, hidden: 8, depth: 2, classes: 2 });
    const { Graph } = await import("../src/graph/index.ts");
    const graph = new Graph();
    const points = graph.input("points", "float32", [10, 4]);
    const same = reshape(reshape(points, [10, 2, 2]), [10, 4]); // fixes the batch in the graph
    const y = network.forward({ input: same }, (n) =>
      graph.input(n, "float32", network.parameters.find((p) => p.name === n)!.shape),
    );
    writeFileSync(at(name), serialise({ y: end(y) }, initialise(network, seed)));
    return at(name);
  }

  it("a regression with a fixed batch: squared errors, no error in percent", async () => {
    const [a, b] = [await written("ra.onnx", 1), await written("rb.onnx", 2)];
    const random = randomStream(2, "values");
    const values = (n: number) => Float32Array.from({ length: n }, () => random.normal());
    await writeTensors(
      at("regression.npz"),
      "npz",
      new Map([
        ["points", { dtype: "float32", shape: [25, 4], data: values(100) } as Tensor],
        ["labels", { dtype: "float32", shape: [25, 2], data: values(50) } as Tensor],
      ]),
    );
    const { document } = await measure({
      a,
      b,
      model: {},
      data: { name: `npz:${at("regression.npz")}` },
      scans: ["single", "full"],
    });
    expect(document.layers.map((layer) => layer.name)).toEqual(["layers.0", "layers.1"]);
    expect(document.ends.a.loss).toBeGreaterThan(0);
    expect(document.cells.every(({ loss, error }) => !error && loss!.barrier !== null)).toBe(true);
    expect(document.metrics).toEqual(["loss"]);
    const few = await measure({
      a,
      b,
      model: {},
      data: { name: `npz:${at("regression.npz")}`, samples: 5 },
      scans: ["full"],
    });
    expect(few.document.data.samples).toBe(5); // fewer than the graph's batch
    await expect(
      measure({ a, b, model: {}, data: { name: `npz:${at("data.npz")}` }, scans: ["full"] }),
    ).rejects.toThrow(/No output of the model contains scores/);
    const points = tensor("float32", [25, 4], values(100));
    const counts = Array.from(values(50), (x) => Math.round(9 + 3 * x));
    const ends = [];
    for (const type of ["float32", "int64"] as const) {
      const arrays = { points, labels: tensor(type, [25, 2], counts) };
      await writeTensors(at(`${type}.npz`), "npz", new Map<string, Tensor>(Object.entries(arrays)));
      const given = { a, b, model: {}, data: { name: `npz:${at(`${type}.npz`)}` }, scans: ["full"] };
      ends.push((await measure({ ...given, task: "regress" })).document.ends);
    }
    expect(ends[1]).toEqual(ends[0]); // values, whatever their type
    await expect(
      measure({ a, b, model: {}, task: "classify", data: { name: `npz:${at("regression.npz")}` }, scans: ["full"] }),
    ).rejects.toThrow(/--task classify needs class labels, but the labels of .* are real values/);
    await expect(
      measure({ a, b, model: {}, output: "z", data: { name: `npz:${at("regression.npz")}` }, scans: ["full"] }),
    ).rejects.toThrow(/no output z/);
  });

  it("probabilities get the scores of their logits", async () => {
    const points = tensor(
      "float32",
      [30, 4],
      Array.from({ length: 120 }, (_, i) => 5 * Math.sin(i)),
    );
    const labels = tensor(
      "int64",
      [30],
      Array.from({ length: 30 }, (_, i) => i % 2),
    );
    await writeTensors(at("classes.npz"), "npz", new Map<string, Tensor>(Object.entries({ points, labels })));
    const results = [];
    for (const [kind, end] of [["logits"], ["probabilities", softmax]] as const) {
      const [a, b] = [await written(`${kind}-a.onnx`, 1, end), await written(`${kind}-b.onnx`, 2, end)];
      const data = { name: `npz:${at("classes.npz")}` };
      results.push((await measure({ a, b, model: {}, data, scans: ["single", "full"] })).document);
    }
    const [logits, probabilities] = results;
    expect(logits.notes).toBeUndefined();
    expect(probabilities.notes!.join(" ")).toContain("the scores before the softmax are used as logits");
    expect(probabilities.ends.a.error).toBe(logits.ends.a.error);
    probabilities.cells.forEach(({ loss }, i) => {
      expect(loss!.value).toBeCloseTo(logits.cells[i].loss!.value!, 5);
      expect(loss!.barrier).toBeCloseTo(logits.cells[i].loss!.barrier!, 5);
    });
  });
});

it("accepts labels of a built-in network as columns, one-hot rows and floats, and ignores negative ones", async () => {
  const classes = [0, 2, 1, 1, 2, 0];
  const x = tensor(
    "float32",
    [6, 4],
    Array.from({ length: 24 }, (_, i) => Math.sin(i)),
  );
  const hot = classes.flatMap((label) => [0, 1, 2].map((k) => Number(k === label)));
  const ends = async (labels: Tensor, points = x) => {
    await writeTensors(
      at("forms.npz"),
      "npz",
      new Map([
        ["x", points],
        ["labels", labels],
      ]),
    );
    return (await measure({ ...base(), data: { name: `npz:${at("forms.npz")}` }, scans: ["full"] })).document;
  };
  const plain = await ends(tensor("int64", [6], classes));
  for (const labels of [
    tensor("int64", [6, 1], classes),
    tensor("float32", [6], classes),
    tensor("float32", [6, 3], hot),
    tensor("uint8", [6, 3], hot),
  ])
    expect((await ends(labels)).ends, `${labels.dtype} [${labels.shape}]`).toEqual(plain.ends);
  const some = await ends(tensor("int64", [6], classes.with(5, -100)));
  const five = await ends(
    tensor("int64", [5], classes.slice(0, 5)),
    tensor("float32", [5, 4], x.data.slice(0, 20) as Float32Array),
  );
  expect(some.ends.a.loss).toBeCloseTo(five.ends.a.loss!, 6);
  expect(some.notes).toEqual(["1 of 6 labels are negative and do not count."]);
});

describe("wrong data", () => {
  const cases: [string, Record<string, Tensor>, RegExp][] = [
    ["no labels", { x: tensor("float32", [2, 4]) }, /no array named labels. Its arrays are x/],
    ["no inputs", { labels: tensor("int64", [2]) }, /contains only labels/],
    ["unequal", { x: tensor("float32", [3, 4]), labels: tensor("int64", [2]) }, /3 samples in x but 2 in labels/],
    [
      "NaN",
      { x: tensor("float32", [2, 4], [0, 0, 0, 0, 0, Number.NaN, 0, 0]), labels: tensor("int64", [2]) },
      /Sample 1 of x/,
    ],
    [
      "negative",
      { x: tensor("float32", [2, 4]), labels: tensor("int64", [2], [-1, -100]) },
      /All labels in .* negative/,
    ],
    ["out of range", { x: tensor("float32", [2, 4]), labels: tensor("int64", [2], [0, 7]) }, /8 classes/],
    [
      "bytes",
      { x: tensor("uint8", [2, 4]), labels: tensor("int64", [2]) },
      /mlp takes float32, but the array x of .* is uint8/,
    ],
    [
      "of another shape",
      { x: tensor("float32", [2, 5]), labels: tensor("int64", [2]) },
      /mlp takes 4 numbers with one label, but a sample of .* is \[5\]/,
    ],
  ];
  for (const [what, arrays, message] of cases) {
    it(`${what}: one sentence`, async () => {
      await writeTensors(at("wrong.npz"), "npz", new Map(Object.entries(arrays)));
      const failing = measure({ ...base(), data: { name: `npz:${at("wrong.npz")}` } });
      await expect(failing).rejects.toThrow(UserError);
      await expect(failing).rejects.toThrow(message);
    });
  }

  it("more samples than the data has: one sentence", () =>
    expect(measure({ ...base(), data: { ...base().data, samples: 9999 } })).rejects.toThrow(
      /contains 3000 samples, but 9999/,
    ));
});
