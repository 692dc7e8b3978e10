import { expect, it } from "vitest";
import { type Mix, mixesOf, networkOf, samplesOf } from "../../../test/networks.ts";
import { type Tensor, toNumbers } from "../../core/index.ts";
import type { Dataset } from "../../data/index.ts";
import { Graph, serialise, type Value } from "../../graph/index.ts";
import { buildModel } from "../../models/index.ts";
import { Session } from "../../runtime/index.ts";
import { statisticsInSegments } from "./statistics.ts";
import type { SegmentedNetwork } from "./template.ts";

/** A mix's statistics of one batch, from a separate graph in training mode. */
async function alone({ model, ...network }: SegmentedNetwork<Mix>, mix: Mix, data: Dataset, indices: number[]) {
  const graph = new Graph();
  const weights = new Map<string, Tensor>();
  for (const p of model.parameters) weights.set(p.name, await network.weight(network.sourceOf(p.name, mix), p));
  const { inputs } = data.batch(indices);
  const tracked: Record<string, Value> = {};
  const input = (name: string, { dtype, shape }: Tensor) => graph.input(name, dtype, shape);
  const track = (name: string, value: Value) => {
    tracked[name] = value;
  };
  const weight = (name: string) => input(name, weights.get(name)!);
  model.forward({ input: input("input", inputs.input) }, weight, { momentum: 1, track });
  const session = await Session.load(serialise(tracked, weights), { threads: 1 });
  const results = await session.run(inputs);
  await session.dispose();
  return results;
}

it("computes the mean over the batches of each mix's own statistics", async () => {
  const model = buildModel("resnet18", { width: 2, classes: 4 });
  const network = networkOf(model);
  const data = samplesOf([3, 8, 8], [], 4);
  const mixes = mixesOf(model).filter((_, i) => i % 5 === 2);
  const options = { data, chunkSize: 2, memory: 1e6, runtime: { threads: 1 } };
  const { keys, values } = await statisticsInSegments(mixes, 2, network, options);
  for (const mix of mixes) {
    const batches = [await alone(network, mix, data, [0, 1]), await alone(network, mix, data, [2, 3])];
    expect([...keys.get(mix)!.keys()].sort()).toEqual(Object.keys(batches[0]).sort());
    for (const [name, key] of keys.get(mix)!) {
      const own = values.get(name)!.get(key)!;
      const [first, second] = batches.map((results) => toNumbers(results[name]));
      own.forEach((x, c) => {
        const mean = (first[c] + second[c]) / 2;
        expect(Math.abs(x - mean)).toBeLessThan(1e-5 * (1 + Math.abs(mean)));
      });
    }
  }
  const stem = new Set(mixes.map((mix) => keys.get(mix)!.get("bn1.running_mean")));
  expect(stem.size).toBeLessThan(mixes.length); // mixes with a common prefix share it
});

it("finds nothing in a network without batch normalisation", async () => {
  const model = buildModel("mlp", { inputs: 192, hidden: 8, depth: 2, classes: 4 });
  const data = samplesOf([3, 8, 8], [], 4);
  const options = { data, chunkSize: 2, memory: 1e6, runtime: { threads: 1 } };
  const { values } = await statisticsInSegments(mixesOf(model), 2, networkOf(model), options);
  expect(values.size).toBe(0);
});
