// layerwise's side of the comparison, in a separate process: the same arguments and JSON line as pytorch.py.
import { mixesOf, planMeasurement } from "../src/connectivity/index.ts";
import { buildModel, initialise, layersOf } from "../src/models/index.ts";
import { endInMemory, type Pair } from "../src/pairs/index.ts";
import { buildSweep, loadSweep } from "../src/sweep/graph.ts";
import { orderMixes } from "../src/sweep/index.ts";
import { MixWeights } from "../src/sweep/weights.ts";
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
  const [a, b] = [1, 2].map((seed) => endInMemory(`end ${seed}`, initialise(model, seed)));
  const inputs = noise([samples, 3, size, size]);
  const labels = integers([samples], 10);
  const start = performance.now();
  const layers = layersOf(model);
  const scans = "single,shallow,deep,random,minimal,full".split(",");
  const mixes = orderMixes(mixesOf(await planMeasurement(layers, { scans }), layers));
  const pair = {
    model,
    layers,
    a,
    b,
    inputs: (graph, { inputs: { input } }) => ({ input: graph.input("input", input.dtype, input.shape) }),
  } satisfies Partial<Pair>;
  const weights = new MixWeights(pair);
  const sweep = buildSweep(pair, weights, mixes, {
    inputs: { input: { dtype: "float32", shape: [batch, 3, size, size] } },
    labels: { dtype: "int64", shape: [batch] },
  });
  const { session } = await loadSweep(sweep, weights, { threads });
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
