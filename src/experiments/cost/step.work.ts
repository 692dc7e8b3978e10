// Runs in a separate process: times a few training steps of a recipe's network, for estimates.
import { sizeOf } from "../../core/index.ts";
import type { RuntimeOptions, Work } from "../../runtime/index.ts";
import { Stepper } from "../../training/index.ts";
import { optimiserOf } from "../networks/train.work.ts";
import { originOf } from "../origins/index.ts";
import { type Recipe, timelineOf, trainingData } from "../recipe/index.ts";
import { partOf, type StepTime } from "./step-time.ts";

const work: Work<{ recipe: Recipe; runtime: RuntimeOptions }, StepTime, never> = async ({ recipe, runtime }) => {
  const origin = originOf(recipe);
  const data = await origin.openData(trainingData(recipe));
  const model = await origin.modelFor(data);
  const { clip } = recipe.training;
  const samples = partOf(recipe, data.count);
  const batch = Math.min(recipe.training.batch, samples);
  const areSomeIgnored = data.weights !== undefined;
  const start = await origin.start(model, 1);
  const stepper = new Stepper({ model, optimiser: optimiserOf(recipe), clip, areSomeIgnored, runtime }, start);
  const indices = Array.from({ length: batch }, (_, i) => i);
  const times: number[] = [];
  const steps = 2; // calls with several steps reuse buffers more than calls with one
  for (let run = 0; run < 3; run++) {
    const start = performance.now();
    const batches = Array.from({ length: steps }, () => data.batch(indices));
    await stepper.steps(batches, steps * run, Array(steps).fill(1e-4));
    times.push((performance.now() - start) / 1000 / steps);
  }
  const operations = await stepper.countOperations(data.batch(indices));
  await stepper.dispose();
  return {
    seconds: Math.min(...times),
    batch,
    operations,
    steps: timelineOf(recipe).steps(samples, recipe.training.batch),
    memoryMb: Math.ceil(process.resourceUsage().maxRSS / 1024),
    bytes: 4 * model.parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
  };
};

export default work;
