// Work in a process of its own: times a few training steps of a recipe's network, for the estimate of a plan.
import { sizeOf } from "../core/index.ts";
import { openData } from "../data/index.ts";
import { buildModel, findNetwork, initialise } from "../models/index.ts";
import type { RuntimeOptions, Work } from "../runtime/index.ts";
import { Stepper } from "../training/index.ts";
import { modelSizes, type Recipe, trainingData } from "./recipe.ts";
import { type StepTime, stepsOf } from "./times.ts";
import { optimiserOf } from "./train.work.ts";

const work: Work<{ recipe: Recipe; runtime: RuntimeOptions }, StepTime, never> = async ({ recipe, runtime }) => {
  const data = await openData(recipe.data.name, trainingData(recipe));
  const model = buildModel(await findNetwork(recipe.model.name), { ...modelSizes(recipe), classes: data.classes });
  const { clip, batch } = recipe.training;
  const stepper = new Stepper({ model, optimiser: optimiserOf(recipe), clip, runtime }, initialise(model, 1));
  const indices = Array.from({ length: batch }, (_, i) => i % data.count);
  const times: number[] = [];
  const steps = 2; // a run of several keeps the state more often in memory than a run of one
  for (let run = 0; run < 3; run++) {
    const start = performance.now();
    const batches = Array.from({ length: steps }, () => data.batch(indices));
    await stepper.steps(batches, steps * run, Array(steps).fill(1e-4));
    times.push((performance.now() - start) / 1000 / steps);
  }
  await stepper.dispose();
  return {
    seconds: Math.min(...times),
    steps: stepsOf(recipe, data.count),
    memoryMb: Math.ceil(process.resourceUsage().maxRSS / 1024),
    bytes: 4 * model.parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
  };
};

export default work;
