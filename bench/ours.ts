// Our side of the comparison, in a process of its own: the same arguments and the same JSON line as pytorch.py.
import {
  buildSweep,
  groupLayers,
  mixOf,
  orderMixes,
  parseScans,
  planCells,
  sweepWeights,
} from "../src/connectivity/index.ts";
import { randomStream, sizeOf, type Tensor, tensor } from "../src/core/index.ts";
import { inputNames, serialise } from "../src/graph/index.ts";
import { buildModel, initialise } from "../src/models/index.ts";
import { Session } from "../src/runtime/index.ts";
import { Stepper, sgd } from "../src/training/index.ts";

const random = randomStream(1, "bench");
const noise = (shape: number[]): Tensor =>
  tensor(
    "float32",
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => random.normal()),
  );
const labelsOf = (n: number): Tensor =>
  tensor(
    "int64",
    [n],
    Array.from({ length: n }, () => random.integer(10)),
  );

async function step(width: number, size: number, threads: number, runs: number): Promise<number[]> {
  const model = buildModel("resnet18-nonorm", { width });
  const stepper = new Stepper(
    { model, optimiser: sgd({ momentum: 0.9, weightDecay: 5e-4 }), runtime: { threads } },
    initialise(model, 1),
  );
  const batch = { inputs: { input: noise([64, 3, size, size]) }, labels: labelsOf(64) };
  const times = [];
  for (let i = 0; i < runs + 3; i++) {
    const start = performance.now();
    await stepper.step(batch, i, 0.01);
    times.push(performance.now() - start);
  }
  return times.slice(3);
}

async function scan(width: number, size: number, threads: number, samples: number): Promise<number[]> {
  const batch = Math.min(50, samples);
  const model = buildModel("resnet18-nonorm", { width });
  const [a, b] = [initialise(model, 1), initialise(model, 2)];
  const inputs = noise([samples, 3, size, size]);
  const labels = labelsOf(samples);
  const start = performance.now();
  const layers = groupLayers(model.parameters.map(({ name, shape }) => ({ name, shape, dtype: "float32" as const })));
  const names = layers.map((layer) => layer.name);
  const cells = planCells(names, parseScans("single,shallow,deep,random,minimal,full"), {
    base: "both",
    orderSeed: 111,
  });
  const ends = (["a", "b"] as const).map((base) => ({ averaged: [], base }));
  const mixes = orderMixes([...ends, ...cells].map((cell) => mixOf(cell, 0.5, names)));
  const pair = { model, layers, a, b };
  const outputs = buildSweep(pair, mixes, {
    inputs: { input: { dtype: "float32", shape: [batch, 3, size, size] } },
    labels: { dtype: "int64", shape: [batch] },
  });
  const weights = inputNames(Object.values(outputs));
  const session = await Session.load(serialise(outputs, sweepWeights(weights, pair)), { threads });
  const pixels = 3 * size * size;
  for (let i = 0; i < samples; i += batch) {
    const images = {
      ...inputs,
      shape: [batch, 3, size, size],
      data: inputs.data.subarray(i * pixels, (i + batch) * pixels),
    };
    await session.run({
      input: images,
      labels: { ...labels, shape: [batch], data: labels.data.subarray(i, i + batch) },
    });
  }
  return [performance.now() - start];
}

const [kind, ...numbers] = process.argv.slice(2);
const [width, size, threads, count] = numbers.map(Number);
console.log(JSON.stringify({ times: await (kind === "step" ? step : scan)(width, size, threads, count) }));
process.exit(0);
