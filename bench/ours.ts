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
import { adamw, Stepper, sgd } from "../src/training/index.ts";

const random = randomStream(1, "bench");
const noise = (shape: number[]): Tensor =>
  tensor(
    "float32",
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => random.normal()),
  );
const integers = (shape: number[], below: number): Tensor =>
  tensor(
    "int64",
    shape,
    Array.from({ length: sizeOf(shape) }, () => random.integer(below)),
  );

/** Steps of one run of the model, about as many as in training. */
const together = 8;

/** What one process does; pytorch.py takes the same. */
interface Spec {
  readonly kind: "step" | "scan";
  readonly network: "resnet18-nonorm" | "vgg11" | "gpt" | "mlp";
  /** Pixels of a side, or characters. */
  readonly size: number;
  readonly batch: number;
  /** Channels, or of a GPT its width and blocks. */
  readonly sizes: Readonly<Record<string, number>>;
  readonly threads: number;
  /** Steps, or samples. */
  readonly count: number;
}

async function step({ network, size, batch: n, sizes, threads, count: runs }: Spec): Promise<number[]> {
  const isText = network === "gpt";
  const model = buildModel(network, isText ? { ...sizes, context: size } : sizes);
  const optimiser = isText
    ? adamw({ betas: [0.9, 0.95], weightDecay: 1e-3 })
    : sgd({ momentum: 0.9, weightDecay: 5e-4 });
  const stepper = new Stepper(
    { model, optimiser, clip: isText ? 1 : undefined, runtime: { threads } },
    initialise(model, 1),
  );
  const batch = isText
    ? { inputs: { input: integers([n, size], 96) }, labels: integers([n, size], 96) }
    : { inputs: { input: noise([n, 3, size, size]) }, labels: integers([n], 10) };
  const times = [];
  const rates = Array(together).fill(0.01);
  for (let run = 0; run < Math.ceil(runs / together) + 2; run++) {
    const start = performance.now();
    await stepper.steps(Array(together).fill(batch), run * together, rates);
    times.push((performance.now() - start) / together);
  }
  return times.slice(2);
}

async function scan({ network, size, batch: most, sizes, threads, count: samples }: Spec): Promise<number[]> {
  const batch = Math.min(most, samples);
  const model = buildModel(network, sizes);
  const [a, b] = [initialise(model, 1), initialise(model, 2)];
  const inputs = noise([samples, 3, size, size]);
  const labels = integers([samples], 10);
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

const spec = JSON.parse(process.argv[2]) as Spec;
console.log(JSON.stringify({ times: await (spec.kind === "step" ? step : scan)(spec) }));
process.exit(0);
