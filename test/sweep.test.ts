import { describe, expect, it } from "vitest";
import { planMeasurement } from "../src/connectivity/index.ts";
import { average, randomStream, sizeOf, tensor, toNumbers } from "../src/core/index.ts";
import { nodesOf, print } from "../src/graph/index.ts";
import { buildModel, groupLayers, initialise } from "../src/models/index.ts";
import { endInMemory, type Pair } from "../src/pairs/index.ts";
import { buildSweep, loadSweep, type SweepGraph } from "../src/sweep/graph.ts";
import { type Mix, mixOf, orderMixes } from "../src/sweep/index.ts";
import { MixWeights } from "../src/sweep/weights.ts";

const model = buildModel("resnet18-nonorm", { width: 2 });
const layers = groupLayers(model.parameters.map(({ name, shape }) => ({ name, shape, dtype: "float32" as const })));
const names = layers.map((layer) => layer.name);
const pair = {
  model,
  layers,
  a: endInMemory("a", initialise(model, 1)),
  b: endInMemory("b", initialise(model, 2)),
  inputs: (graph, { inputs: { input } }) => ({ input: graph.input("input", input.dtype, input.shape) }),
} satisfies Partial<Pair>;
const weights = new MixWeights(pair);
const shape = {
  inputs: { input: { dtype: "float32" as const, shape: [2, 3, 8, 8] } },
  labels: { dtype: "int64" as const, shape: [2] },
};
const build = (mixes: readonly Mix[]): SweepGraph => buildSweep(pair, weights, mixes, shape);
const planned = async (scans: string) =>
  orderMixes((await planMeasurement(layers, { scans: scans.split(",") })).map(({ mix }) => mix));

describe("the sweep", () => {
  it("builds this graph for the last layer's cells", async () => {
    const mixes = orderMixes(
      (["a", "b"] as const).flatMap((base) =>
        [[], ["fc"]].map((averaged) => mixOf(names, { averaged, base, alpha: 0.5 })),
      ),
    );
    await expect(print(build(mixes).outputs)).toMatchFileSnapshot("snapshots/sweep.txt");
  });

  it("shares common prefixes of mixes: fewer than half of the convolutions of all default scans", async () => {
    const mixes = await planned("single,shallow,deep,random,minimal,full");
    const convolutions = nodesOf(Object.values(build(mixes).outputs)).filter((node) => node.op === "Conv").length;
    expect(convolutions).toBeLessThan(0.45 * 20 * mixes.length);
  });

  it("gives the same numbers as evaluating each mix on its own", async () => {
    const random = randomStream(2, "sweep");
    const feeds = {
      input: tensor(
        "float32",
        shape.inputs.input.shape,
        Float32Array.from({ length: sizeOf(shape.inputs.input.shape) }, () => random.normal()),
      ),
      labels: tensor("int64", [2], [3, 7]),
    };
    const run = async (mixes: readonly Mix[], most?: number) => {
      const { session, fed } = await loadSweep(build(mixes), weights, { threads: 1 }, most);
      const results = await session.run({ ...fed, ...feeds });
      await session.dispose();
      return { results, fed };
    };
    const mixes = (await planned("single,random,full")).filter((_, i) => i % 7 === 0);
    const { results: together } = await run(mixes);
    const { results: unfrozen, fed } = await run(mixes, 0);
    expect(Object.keys(fed)).toContain("a:conv1.weight"); // too large to be frozen
    for (const [name, { data }] of Object.entries(together))
      expect(toNumbers(unfrozen[name])[0]).toBeCloseTo(toNumbers({ ...together[name], data })[0], 5);
    for (const [i, mix] of mixes.entries()) {
      const { results: alone } = await run([mix]);
      expect(toNumbers(together[`loss${i}`])).toEqual(toNumbers(alone.loss0));
      expect(toNumbers(together[`error${i}`])).toEqual(toNumbers(alone.error0));
    }
  });

  it("averages weights as (1 - alpha) A + alpha B", () => {
    const [x, y] = [tensor("float32", [2], [1, 2]), tensor("float64", [2], [3, -2])];
    expect(toNumbers(average(x, y, 0.25))).toEqual(Float32Array.of(1.5, 1));
    expect(toNumbers(average(x, y, 1))).toEqual(Float32Array.of(3, -2));
  });
});
