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
    for (let i = 0; i < 1000; i++) {
      await stepper.step(batch, i, 0.001);
      if (i % 100 === 99) memory.push(process.memoryUsage().rss / 2 ** 20);
    }
    await stepper.dispose();
    // a leak of one set of parameters and state (1.4 MB here, with the batch) a step would add a gigabyte
    expect(memory.at(-1)! - memory[1]).toBeLessThan(60);
  });
});
