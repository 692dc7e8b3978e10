// The sweep against naive evaluation, on random networks: convolutions in any order, with shared weights, residual
// sums, products, activations. Naive evaluation averages the tensors and runs the network's own graph, for each mix
// alone.
import { expect, it } from "vitest";
import { average, type Random, randomStream, sizeOf, type Tensor, tensor, toNumbers } from "../core/index.ts";
import {
  add,
  conv,
  Graph,
  globalAveragePool,
  linear,
  mul,
  nodesOf,
  relu,
  reshape,
  serialise,
  sigmoid,
  tanh,
  type Value,
} from "../graph/index.ts";
import { initialise, layersOf, type Model, type Parameter, scoresOf, type Weights } from "../models/index.ts";
import { endInMemory, type Pair } from "../pairs/index.ts";
import { Session } from "../runtime/index.ts";
import { buildSweep, loadSweep } from "./graph.ts";
import { type Mix, orderMixes } from "./mixes.ts";
import { keyOf, type Source } from "./source.ts";
import { MixWeights, type WeighedPair } from "./weights.ts";

const channels = 4;
const batch = 3;
const shape = {
  inputs: { input: { dtype: "float32" as const, shape: [batch, 2, 6, 6] } },
  labels: { dtype: "int64" as const, shape: [batch] },
};

type Operation = (values: readonly Value[], weights: Weights) => Value;

/** A random network: each operation takes some of the earlier values. */
function randomModel(random: Random): Model {
  const parameters: Parameter[] = [];
  const operations: Operation[] = [];
  const uniform = { kind: "uniform", bound: 0.5 } as const;
  const parameter = (name: string, ...shape: number[]) => {
    parameters.push({ name, shape, initial: uniform });
    return name;
  };
  const convolution = (name: string, inputs: number) => {
    parameter(`${name}.weight`, channels, inputs, 3, 3);
    parameter(`${name}.bias`, channels);
    return (x: Value, weights: Weights) => conv(x, weights(`${name}.weight`), weights(`${name}.bias`), { padding: 1 });
  };
  const known: ((x: Value, weights: Weights) => Value)[] = [];
  const stem = convolution("stem", 2);
  const count = 4 + random.integer(8);
  for (let i = 0; i < count; i++) {
    const pick = () => random.integer(i + 1);
    const [first, second] = [pick(), pick()];
    const kind = random.integer(7);
    if (kind < 2) {
      const fresh = convolution(`layer${i}`, channels);
      known.push(fresh);
      operations.push((values, weights) => fresh(values[first], weights));
    } else if (kind === 2 && known.length) {
      const again = known[random.integer(known.length)];
      operations.push((values, weights) => again(values[first], weights));
    } else if (kind === 3) operations.push((values) => add(values[first], values[second]));
    else if (kind === 4) operations.push((values) => mul(values[first], tanh(values[second])));
    else if (kind === 5) {
      const scale = parameter(`scale${i}.weight`, channels, 1, 1);
      operations.push((values, weights) => mul(values[first], weights(scale)));
    } else {
      const act = [relu, tanh, sigmoid][random.integer(3)];
      operations.push((values) => act(values[first]));
    }
  }
  const ends = [count, random.integer(count + 1)];
  parameter("head.weight", 5, channels);
  parameter("head.bias", 5);
  return {
    name: "random",
    sizes: { classes: 5 },
    parameters,
    tied: [],
    forward({ input }, weights) {
      const values = [relu(stem(input, weights))];
      for (const operation of operations) values.push(operation(values, weights));
      const pooled = reshape(globalAveragePool(add(values[ends[0]], values[ends[1]])), [batch, channels]);
      return linear(pooled, weights("head.weight"), weights("head.bias"));
    },
  };
}

async function run(model: Uint8Array, feeds: Record<string, Tensor>): Promise<Record<string, Tensor>> {
  const session = await Session.load(model, { threads: 1 });
  const results = await session.run(feeds);
  await session.dispose();
  return results;
}

const alphas: Readonly<Record<string, number>> = { a: 0, b: 1, "m0.5": 0.5, "m0.25": 0.25 };
const sources: readonly Source[] = [
  { kind: "end", end: "a" },
  { kind: "end", end: "b" },
  { kind: "average", alpha: 0.5 },
  { kind: "average", alpha: 0.25 },
];

/** The mix's loss and error of every sample: tensors averaged, then the network's own graph. */
async function naive({ model, layers, a, b }: WeighedPair, mix: Mix, feeds: Record<string, Tensor>) {
  const graph = new Graph();
  const tensors = new Map<string, Tensor>();
  for (const [i, { parameters }] of layers.entries())
    for (const name of parameters)
      tensors.set(name, average(await a.read(name), await b.read(name), alphas[keyOf(mix.sources[i])]));
  const input = graph.input("input", "float32", shape.inputs.input.shape);
  const labels = graph.input("labels", "int64", shape.labels.shape);
  const weights: Weights = (name) => graph.input(name, "float32", tensors.get(name)!.shape);
  const { loss, error } = scoresOf(model.forward({ input }, weights), labels);
  return run(serialise({ loss, error: error! }, tensors), feeds);
}

for (let seed = 0; seed < 25; seed++) {
  it(`equals naive evaluation on random network ${seed}`, async () => {
    const random = randomStream(seed, "random graphs");
    const model = randomModel(random);
    const layers = layersOf(model);
    const [a, b] = [0, 1].map((end) => endInMemory(`end ${end}`, initialise(model, 2 * seed + end)));
    const pair: WeighedPair & Pick<Pair, "inputs"> = {
      model,
      layers,
      a,
      b,
      inputs: (graph, { inputs: { input } }) => ({ input: graph.input("input", input.dtype, input.shape) }),
    };
    const mixes = orderMixes(
      Array.from({ length: 12 }, () => ({ sources: layers.map(() => sources[random.integer(sources.length)]) })),
    );
    const size = sizeOf(shape.inputs.input.shape);
    const feeds = {
      input: tensor(
        "float32",
        shape.inputs.input.shape,
        Float32Array.from({ length: size }, () => random.normal()),
      ),
      labels: tensor(
        "int64",
        [batch],
        [0, 1, 2].map(() => random.integer(5)),
      ),
    };
    const weights = new MixWeights(pair);
    const sweep = buildSweep(pair, weights, mixes, shape);
    const { session } = await loadSweep(sweep, weights, { threads: 1 });
    const together = await session.run(feeds);
    await session.dispose();
    for (const [i, mix] of mixes.entries()) {
      const { loss, error } = await naive(pair, mix, feeds);
      // the runtime fuses a convolution with its neighbour only where nothing else uses its result: the last bit may
      // differ
      const difference = toNumbers(together[`loss${i}`]).map(
        (x, j) => Math.abs(x - toNumbers(loss)[j]) / toNumbers(loss)[j],
      );
      expect(Math.max(...difference)).toBeLessThan(3e-7);
      expect(toNumbers(together[`error${i}`])).toEqual(toNumbers(error));
    }
    expect(nodesOf(Object.values(sweep.outputs)).length).toBeGreaterThan(12);
  });
}
