import { describe, expect, it } from "vitest";
import { randomStream, sizeOf, tensor } from "../core/index.ts";
import { print } from "../graph/index.ts";
import { buildModel, initialise } from "../models/index.ts";
import { sgd } from "./optimisers.ts";
import { buildStep } from "./step.ts";
import { Stepper } from "./stepper.ts";

const optimiser = sgd({ momentum: 0.9, weightDecay: 5e-4 });
const model = buildModel("resnet18-nonorm", { width: 2 });

describe("the training step", () => {
  it("is this graph", async () => {
    const { outputs } = buildStep({
      model,
      input: { dtype: "float32", shape: [2, 3, 8, 8] },
      labelShape: [2],
      optimiser,
    });
    await expect(print(outputs)).toMatchFileSnapshot("../../test/snapshots/training-step.txt");
  });

  it("gives the same bits for any number of steps in a run", async () => {
    const random = randomStream(1, "groups");
    const batches = Array.from({ length: 7 }, () => ({
      inputs: {
        input: tensor(
          "float32",
          [4, 3, 16, 16],
          Array.from({ length: 4 * 3 * 256 }, () => random.normal()),
        ),
      },
      labels: tensor(
        "int64",
        [4],
        Array.from({ length: 4 }, () => random.integer(10)),
      ),
    }));
    const rates = batches.map((_, i) => 0.01 * (i + 1));
    const results = [];
    for (const groups of [[7], [1, 1, 1, 1, 1, 1, 1], [2, 5]]) {
      const stepper = new Stepper({ model, optimiser, runtime: { threads: 1 } }, initialise(model, 1));
      const losses = [];
      let at = 0;
      for (const size of groups) {
        losses.push(...(await stepper.steps(batches.slice(at, at + size), at, rates.slice(at, at + size))));
        at += size;
      }
      results.push({ losses, state: stepper.state });
      await stepper.dispose();
    }
    expect(results[0].losses.map(({ loss }) => loss)).not.toContain(Number.NaN);
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });

  it("without momentum computes parameter - rate (gradient + decay parameter)", async () => {
    const small = buildModel("mlp", { inputs: 3, hidden: 2, depth: 1, classes: 2 });
    const start = initialise(small, 1);
    const batch = { inputs: { input: tensor("float32", [1, 3], [1, 2, 3]) }, labels: tensor("int64", [1], [0]) };
    const moved = async (momentum: number) => {
      const optimiser = sgd({ momentum, weightDecay: 0.1 });
      const stepper = new Stepper({ model: small, optimiser, runtime: { threads: 1 } }, start);
      await stepper.steps([batch], 0, [0.5]);
      const state = stepper.state;
      await stepper.dispose();
      return state;
    };
    const [none, some] = [await moved(0), await moved(0.9)];
    expect(Object.keys(none).sort()).toEqual(["layers.0.bias", "layers.0.weight"]);
    for (const name of Object.keys(none)) expect(none[name]).toEqual(some[name]); // the first step has no momentum yet
    expect(none["layers.0.weight"]).not.toEqual(start.get("layers.0.weight"));
  });

  it("keeps its memory flat over 1,000 steps", async () => {
    const random = randomStream(1, "memory");
    const shape = [16, 3, 16, 16];
    const input = tensor(
      "float32",
      shape,
      Float32Array.from({ length: sizeOf(shape) }, () => random.normal()),
    );
    const batch = {
      inputs: { input },
      labels: tensor(
        "int64",
        [16],
        Array.from({ length: 16 }, (_, i) => i % 10),
      ),
    };
    const stepper = new Stepper({ model, optimiser, runtime: { threads: 1 } }, initialise(model, 1));
    const memory: number[] = [];
    for (let i = 0; i < 1000; i += 4) {
      await stepper.steps(Array(4).fill(batch), i, Array(4).fill(0.001));
      if (i % 100 === 96) memory.push(process.memoryUsage().rss / 2 ** 20);
    }
    await stepper.dispose();
    // a leak of one set of parameters and state (1.4 MB here, with the batch) per step would add a gigabyte
    expect(memory.at(-1)! - memory[1]).toBeLessThan(60);
  });
});
