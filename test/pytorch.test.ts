// Ground truth that the repository holds: PyTorch's and transformers' numbers of small networks
// (test/fixtures/pytorch), against ours. Python is not needed; make.py there made them.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openCheckpoint, readAll } from "../src/checkpoints/index.ts";
import { type Measurement, type MeasureOptions, measure } from "../src/connectivity/index.ts";
import { projectRoot, type Tensor, toNumbers } from "../src/core/index.ts";
import { type Batch, openData } from "../src/data/index.ts";
import { Graph, gradients, lower, lowerFast, reduceMean } from "../src/graph/index.ts";
import { openText, readModelFolder } from "../src/hub/index.ts";
import { buildModel, classification, holderOf, networks } from "../src/models/index.ts";
import { adamw, Stepper, sgd } from "../src/training/index.ts";
import { temporaryFolder } from "./checkpoints.ts";
import { evaluate } from "./differences.ts";
import { logitsOf } from "./encoder-fixtures.ts";
import {
  type Average,
  type Digest,
  type End,
  type LlamaTruth,
  type NetworkTruth,
  readTruth,
  type Scored,
  type Training,
  unpack,
} from "./fixtures/pytorch/truth.ts";

const embedded = (...names: string[]) => join(projectRoot, "embedded", ...names);
const folder = temporaryFolder();

/** The whole embedded text, as the data set `shakespeare` reads it. */
function writeText(): string {
  mkdirSync(join(folder, "shakespeare"), { recursive: true });
  const text = ["train", "test"].map((split) => readFileSync(embedded(`shakespeare/${split}.txt`), "utf8")).join("");
  writeFileSync(join(folder, "shakespeare/input.txt"), text);
  return folder;
}

const context = 32;

/** The samples that make.py evaluates a network on. */
function dataOf(network: string) {
  if (network === "gpt") return { name: "shakespeare", dir: writeText(), split: "test", context } as const;
  if (/^(resnet18|vgg)/.test(network)) return { name: "cifar10", dir: embedded("cifar10-sample") };
  return { name: "cifar10-half" };
}

const endOf = (network: string, end: End): string => {
  const { form } = readTruth<NetworkTruth>(network);
  return unpack(network, `${end}.${form}`, join(folder, `${network}-${end}.${form}`));
};

/** Relative to the number, or to one where it is smaller. */
function expectClose(found: number | null | undefined, wanted: number, within: number, what: string): void {
  const difference = Math.abs((found ?? Number.NaN) - wanted) / Math.max(1, Math.abs(wanted));
  expect(difference, `${what}: ${found} for ${wanted}`).toBeLessThan(within);
}

interface Tolerance {
  readonly loss: number;
  /** What one prediction adds to an error, in points: those that are close to a tie may fall on either side. */
  readonly prediction: number;
}

/** Holds the ends and every cell of the scans against PyTorch's; barriers against cell minus mean of the ends. */
function expectEqual({ layers, ends, cells }: Measurement, truth: Average, { loss, prediction }: Tolerance): void {
  expect(layers.map(({ name }) => name)).toEqual(truth.layers);
  const mean = (i: 0 | 1) => (truth.ends.a[i] + truth.ends.b[i]) / 2;
  const onEnds = truth.ends.a[2] + truth.ends.b[2];
  for (const name of ["a", "b"] as const) {
    expectClose(ends[name].loss, truth.ends[name][0], loss, `end ${name}`);
    expect(Math.abs(ends[name].error! - truth.ends[name][1])).toBeLessThan(truth.ends[name][2] * prediction + 1e-6);
  }
  const expectCell = (scan: string, layer: string | null, base: End | null, [value, error, close]: Scored) => {
    const what = `${scan} ${layer ?? ""} on ${base}`;
    const found = cells.find((cell) => cell.scan === scan && cell.layer === layer && cell.base === base);
    expectClose(found?.loss?.value, value, loss, what);
    const scale = Math.max(1, Math.abs(value)); // a barrier's rounding is its loss's
    expectClose(found!.loss!.barrier! / scale, (value - mean(0)) / scale, 2 * loss, `${what}, barrier`);
    expect(Math.abs(found!.error!.value! - error), `${what}, error`).toBeLessThan(close * prediction + 1e-6);
    const barrier = found!.error!.barrier! - (error - mean(1));
    expect(Math.abs(barrier), `${what}, error barrier`).toBeLessThan((close + onEnds / 2) * prediction + 1e-6);
  };
  let count = 1;
  for (const [scan, bases] of Object.entries(truth.cells))
    for (const base of ["a", "b"] as const) {
      const order = scan === "deep" ? truth.layers.toReversed() : truth.layers;
      expect(bases[base].length).toBe(order.length);
      count += order.length;
      order.forEach((layer, i) => {
        expectCell(scan, layer, base, bases[base][i]);
      });
    }
  const full = cells.find(({ scan }) => scan === "full")!;
  expectCell("full", full.layer, full.base, truth.full);
  expect(cells.length).toBe(count);
}

async function compare(network: string, how: "average" | "recalibrate"): Promise<void> {
  const truth = readTruth<NetworkTruth>(network);
  const average = truth[how]!;
  const data = { ...dataOf(network), samples: truth.samples };
  const options: MeasureOptions = {
    a: endOf(network, "a"),
    b: endOf(network, "b"),
    model: { name: network, ...(network === "gpt" ? { heads: 4 } : {}) },
    data,
    scans: [...Object.keys(average.cells), "full"],
    group: average.group,
    statistics: how,
  };
  const { document } = await measure(options);
  const predictions = truth.samples * (network === "gpt" ? context : 1);
  const loss = how === "recalibrate" ? 1e-4 : 1e-5;
  expectEqual(document, average, { loss, prediction: 100 / predictions });
}

const digest = (numbers: ArrayLike<number>): Digest => {
  let [squares, product] = [0, 0];
  for (let i = 0; i < numbers.length; i++) {
    squares += numbers[i] ** 2;
    product += numbers[i] * Math.cos(i);
  }
  return [Math.sqrt(squares), product];
};

/** Relative to the norms: of the tensor, and of the tensor and the cosines. */
function expectDigest(found: ArrayLike<number>, [norm, product]: Digest, within: number, what: string): void {
  const [ownNorm, ownProduct] = digest(found);
  expect(Math.abs(ownNorm - norm), `${what}: norm ${ownNorm} for ${norm}`).toBeLessThanOrEqual(within * norm);
  const scale = norm * Math.max(1, Math.sqrt(found.length / 2));
  const difference = Math.abs(ownProduct - product);
  expect(difference, `${what}: product ${ownProduct} for ${product}`).toBeLessThanOrEqual(within * scale);
}

/** End a's trained tensors and statistics, and the batch that make.py trains on. */
async function openTraining(network: string) {
  const checkpoint = await openCheckpoint(endOf(network, "a"));
  const all = await readAll(checkpoint);
  await checkpoint.close();
  const sizes = { ...(network === "gpt" ? { heads: 4 } : {}), ...(network === "vgg11" ? { dropout: 0 } : {}) };
  const model = buildModel(network, sizes, (name) => all.get(name)?.shape);
  const holder = holderOf(model.tied);
  const kept = model.parameters.filter(({ name, kind }) => kind !== "counter" && holder(name) === name);
  const { name, ...options } = dataOf(network);
  const data = await openData(name, { ...options, samples: 16 });
  const batch = data.batch(Array.from({ length: 16 }, (_, i) => i));
  return { model, held: new Map(kept.map((p): [string, Tensor] => [p.name, all.get(p.name)!])), batch };
}

type Opened = Awaited<ReturnType<typeof openTraining>>;

async function expectGradients({ model, held, batch }: Opened, truth: Training, lowering: typeof lower): Promise<void> {
  const graph = new Graph();
  const holder = holderOf(model.tied);
  const weight = (name: string) => graph.input(holder(name), "float32", held.get(holder(name))!.shape);
  const { input } = batch.inputs;
  const logits = model.forward({ input: graph.input("input", input.dtype, input.shape) }, weight, { track: () => {} });
  const { loss } = classification(logits, graph.input("labels", "int64", batch.labels.shape));
  const names = Object.keys(truth.gradients);
  const derivatives = gradients(reduceMean(loss, [0]), names.map(weight));
  const outputs = Object.fromEntries(names.map((name, i) => [`d ${name}`, derivatives[i]]));
  const found = await evaluate(outputs, { ...Object.fromEntries(held), input, labels: batch.labels }, lowering);
  for (const name of names) expectDigest(toNumbers(found[`d ${name}`]), truth.gradients[name], 2.1e-5, name);
}

async function expectSteps({ model, held, batch }: Opened, truth: Training, how: "sgd" | "adamw"): Promise<void> {
  const optimiser =
    how === "sgd" ? sgd({ momentum: 0.9, weightDecay: 5e-4 }) : adamw({ betas: [0.9, 0.95], weightDecay: 0.1 });
  const clip = how === "adamw" ? 1 : undefined;
  // the fast form's gradients are within 2.1e-5 too, but an optimiser may magnify their rounding where the exact
  // gradient is zero
  await using stepper = new Stepper({ model, optimiser, clip, runtime: { threads: 1 }, form: "plain" }, held);
  const batches: Batch[] = truth.rates.map(() => batch);
  const steps = await stepper.steps(batches, 0, truth.rates);
  steps.forEach(({ loss }, i) => {
    expectClose(loss, truth.losses[i], 1e-5, `loss before step ${i + 1}`);
  });
  for (const [name, wanted] of Object.entries(truth.changes)) {
    const before = toNumbers(held.get(name)!);
    const change = Float64Array.from(toNumbers(stepper.state[name]), (x, i) => x - before[i]);
    expectDigest(change, wanted, Math.max(1e-4, 3 * truth.spread), `${how}, change of ${name}`);
  }
}

describe.each(networks.map(({ name }) => name))("%s equals PyTorch's (test/fixtures/pytorch)", (network) => {
  const truth = readTruth<NetworkTruth>(network);

  it("ends and every cell of the scans", () => compare(network, "average"));

  if (truth.recalibrate) it("recalibrated statistics", () => compare(network, "recalibrate"));

  const { sgd: truthOfSgd, adamw: truthOfAdamw } = truth;
  if (truthOfSgd && truthOfAdamw) {
    it("gradients", async () => expectGradients(await openTraining(network), truthOfSgd, lower));
    it("gradients, fast form", async () => expectGradients(await openTraining(network), truthOfSgd, lowerFast));
    it("five steps of SGD", async () => expectSteps(await openTraining(network), truthOfSgd, "sgd"));
    it("five steps of AdamW", async () => expectSteps(await openTraining(network), truthOfAdamw, "adamw"));
  }
});

describe("a Llama in a Hugging Face folder equals transformers' (test/fixtures/pytorch)", () => {
  const truth = readTruth<LlamaTruth>("llama");
  const a = embedded("tiny-llama");
  const path = embedded("shakespeare/test.txt");
  const data = { name: path, context: truth.context, samples: truth.samples };
  const prediction = 100 / (truth.context * truth.samples);
  it("ends, cells by block, perplexity", async () => {
    const b = join(folder, "llama-b");
    cpSync(a, b, { recursive: true });
    unpack("llama", "b.safetensors", join(b, "model.safetensors"));
    const scans = [...Object.keys(truth.average.cells), "full"];
    const { document } = await measure({ a, b, model: {}, data, scans });
    expectEqual(document, truth.average, { loss: 2e-6, prediction });
    const full = document.cells.find(({ scan }) => scan === "full")!;
    expectClose(document.ends.a.perplexity! / truth.perplexity.a, 1, 2e-6, "perplexity of a");
    expectClose(document.ends.b.perplexity! / truth.perplexity.b, 1, 2e-6, "perplexity of b");
    expectClose(full.perplexity! / truth.perplexity.full, 1, 2e-6, "perplexity of the average");
  });

  it("logits", async () => {
    const text = await openText(path, { context: truth.context, samples: 1 }, [await readModelFolder(a)]);
    const found = await logitsOf(a, new Map(Object.entries(text.batch([0]).inputs)));
    const wanted = truth.last_logits.flat();
    const last = found.slice(-wanted.length);
    wanted.forEach((logit, i) => {
      expectClose(last[i], logit, 2e-5, `logit ${i}`);
    });
  });
});
