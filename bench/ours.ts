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
import { inputNames, serialise } from "../src/graph/index.ts";
import { buildModel, initialise } from "../src/models/index.ts";
import { Session } from "../src/runtime/index.ts";
import { integers, makeStepper, noise, type Spec, together } from "./work.ts";

async function step(spec: Spec): Promise<number[]> {
  const { stepper, batch } = makeStepper(spec, { threads: spec.threads });
  const times = [];
  const rates = Array(together).fill(0.01);
  for (let run = 0; run < Math.ceil(spec.count / together) + 2; run++) {
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
