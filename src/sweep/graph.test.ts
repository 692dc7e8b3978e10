import { describe, expect, it } from "vitest";
import { randomStream, sizeOf, type Tensor, tensor, toNumbers } from "../core/index.ts";
import { inputNames, nodesOf, print, serialise } from "../graph/index.ts";
import { buildModel, initialise } from "../models/index.ts";
import { Session } from "../runtime/index.ts";
import { groupLayers } from "./layers.ts";
import { loadGraph } from "./loading.ts";
import { mixOf, orderMixes } from "./mixes.ts";
import { average, type Pair } from "./pair.ts";
import { parseScans, planCells } from "./scans.ts";
import { buildSweep, sweepWeights } from "./sweep.ts";

const model = buildModel("resnet18-nonorm", { width: 2 });
const layers = groupLayers(model.parameters.map(({ name, shape }) => ({ name, shape, dtype: "float32" as const })));
const names = layers.map((layer) => layer.name);
const pair: Pair = { model, layers, a: initialise(model, 1), b: initialise(model, 2) };
const shape = {
  inputs: { input: { dtype: "float32" as const, shape: [2, 3, 8, 8] } },
  labels: { dtype: "int64" as const, shape: [2] },
};
const planned = (scans: string) =>
  orderMixes(
    planCells(names, parseScans(scans), { base: "both", orderSeed: 111 }).map((cell) => mixOf(cell, 0.5, names)),
  );

describe("the sweep", () => {
  it("is this graph, for the last layer's cells", async () => {
    const mixes = orderMixes(
      (["a", "b"] as const).flatMap((base) => [[], ["fc"]].map((averaged) => mixOf({ averaged, base }, 0.5, names))),
    );
    await expect(print(buildSweep(pair, mixes, shape))).toMatchFileSnapshot("../../test/snapshots/sweep.txt");
  });

  it("shares what mixes have in common: less than half of the convolutions of all default scans", () => {
    const mixes = planned("single,shallow,deep,random,minimal,full");
    const convolutions = nodesOf(Object.values(buildSweep(pair, mixes, shape))).filter(
      (node) => node.op === "Conv",
    ).length;
    expect(convolutions).toBeLessThan(0.45 * 20 * mixes.length);
  });

  it("gives the numbers that evaluating each mix by itself gives", async () => {
    const random = randomStream(2, "sweep");
    const feeds = {
      input: tensor(
        "float32",
        shape.inputs.input.shape,
        Float32Array.from({ length: sizeOf(shape.inputs.input.shape) }, () => random.normal()),
      ),
      labels: tensor("int64", [2], [3, 7]),
    };
    const run = async (outputs: ReturnType<typeof buildSweep>): Promise<Record<string, Tensor>> => {
      const session = await Session.load(serialise(outputs, sweepWeights(inputNames(Object.values(outputs)), pair)), {
        threads: 1,
      });
      const results = await session.run(feeds);
      await session.dispose();
      return results;
    };
    const mixes = planned("single,random,full").filter((_, i) => i % 7 === 0);
    const together = await run(buildSweep(pair, mixes, shape));
    const { session, fed } = await loadGraph(buildSweep(pair, mixes, shape), pair, { runtime: { threads: 1 } }, 0);
    expect(Object.keys(fed)).toContain("a:conv1.weight"); // too large to be frozen in
    const unfrozen = await session.run({ ...fed, ...feeds });
    await session.dispose();
    for (const [name, { data }] of Object.entries(together))
      expect(toNumbers(unfrozen[name])[0]).toBeCloseTo(toNumbers({ ...together[name], data })[0], 5);
    for (const [i, mix] of mixes.entries()) {
      const alone = await run(buildSweep(pair, [mix], shape));
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
