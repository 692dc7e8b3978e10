// Ground truth: loss, gradients and five optimiser steps, computed by PyTorch in double precision
// (../shared/fixtures/gradients).
import { describe, expect, it } from "vitest";
import { openCheckpoint, readAll } from "../src/checkpoints/index.ts";
import { fromNumbers, type Tensor, toNumbers } from "../src/core/index.ts";
import { Graph, gradients, lower, lowerFast, reduceMean } from "../src/graph/index.ts";
import { buildModel, classification, holderOf, type Model } from "../src/models/index.ts";
import { adamw, type Optimiser, Stepper, sgd } from "../src/training/index.ts";
import { evaluate } from "./differences.ts";
import { hasShared, sharedPath } from "./shared.ts";

const decayed = sgd({ momentum: 0.9, weightDecay: 5e-4 });
// The BatchNorm trajectory is comparable for only three steps. In PyTorch itself, in double precision, changing the
// initial weights by 1e-7 changes the loss of the fourth step by 2e-3 to 3e-2 (a ReLU flips), so no float32 computation
// can follow it further.
const cases: {
  file: string;
  model: () => Model;
  optimiser: Optimiser;
  clip?: number;
  tolerance: number;
  steps?: number;
  /**
   * A pre-activation is so near zero that the fast form's rounding flips its ReLU; gradients below that layer are not
   * comparable.
   */
  flips?: boolean;
}[] = [
  { file: "resnet", model: () => buildModel("resnet18-nonorm", { width: 4 }), optimiser: decayed, tolerance: 1e-5 },
  {
    file: "resnet_bn",
    model: () => buildModel("resnet18", { width: 4 }),
    optimiser: decayed,
    tolerance: 2e-5,
    steps: 3,
    flips: true,
  },
  {
    file: "vgg",
    model: () => buildModel("vgg11", { width: 4, hidden: 16, dropout: 0 }),
    optimiser: decayed,
    tolerance: 1e-5,
  },
  {
    file: "gpt",
    model: () => buildModel("gpt", { blocks: 2, heads: 4, dim: 16, context: 32 }),
    optimiser: adamw({ betas: [0.9, 0.95], weightDecay: 1e-3 }),
    clip: 1,
    tolerance: 1e-5,
  },
];

const single = (t: Tensor): Tensor => (t.dtype === "float64" ? fromNumbers("float32", t.shape, toNumbers(t)) : t);

/** |x - y| / |y|, in Euclidean norms. */
function relative(x: Tensor, y: Tensor): number {
  const [u, v] = [toNumbers(x), toNumbers(y)];
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < v.length; i++) {
    difference += (u[i] - v[i]) ** 2;
    norm += v[i] ** 2;
  }
  return Math.sqrt(difference / (norm || 1));
}

async function load(file: string) {
  const checkpoint = await openCheckpoint(sharedPath(`fixtures/gradients/${file}.npz`));
  const all = await readAll(checkpoint);
  await checkpoint.close();
  const part = (prefix: string) =>
    new Map([...all].flatMap(([name, t]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), single(t)]] : [])));
  return {
    all,
    parameters: part("param/"),
    gradients: part("grad/"),
    after: part("after/"),
    input: single(all.get("input")!),
    labels: all.get("labels")!,
  };
}

describe.skipIf(!hasShared)("gradients and optimisers of PyTorch (../shared/fixtures/gradients)", () => {
  for (const { file, model: make, optimiser, clip, tolerance, steps = 5, flips } of cases) {
    const plainForm = { form: "plain", lowering: lower, within: tolerance };
    // three times the difference between PyTorch's float32 and double precision on these files (7e-6)
    const fastForm = { form: "fast", lowering: lowerFast, within: 2.1e-5 };
    it.each(flips ? [plainForm] : [plainForm, fastForm])(
      `${file}: loss and gradients, $form form`,
      async ({ lowering, within }) => {
        const truth = await load(file);
        const model = make();
        const graph = new Graph();
        const holder = holderOf(model.tied);
        const weight = (name: string) => {
          const own = holder(name);
          return graph.input(own, "float32", truth.parameters.get(own)!.shape);
        };
        const logits = model.forward({ input: graph.input("input", truth.input.dtype, truth.input.shape) }, weight, {
          track: () => {},
        });
        const loss = reduceMean(classification(logits, graph.input("labels", "int64", truth.labels.shape)).loss, [0]);
        const names = [...truth.gradients.keys()];
        // a tied tensor's gradient has the one name under which PyTorch lists it
        const derivatives = gradients(loss, names.map(weight));
        const feeds = { ...Object.fromEntries(truth.parameters), input: truth.input, labels: truth.labels };
        const found = await evaluate(
          { loss, ...Object.fromEntries(names.map((name, i) => [`d ${name}`, derivatives[i]])) },
          feeds,
          lowering,
        );
        expect(Math.abs(toNumbers(found.loss)[0] / toNumbers(truth.all.get("loss")!)[0] - 1)).toBeLessThan(1e-6);
        for (const name of names)
          expect(relative(found[`d ${name}`], truth.gradients.get(name)!), name).toBeLessThan(within);
      },
    );

    it(`${file}: ${steps} steps of the optimiser`, async () => {
      const truth = await load(file);
      const model = make();
      const held = new Map([...truth.parameters].filter(([, t]) => t.dtype === "float32"));
      for (const names of model.tied) for (const name of names.slice(0, -1)) held.delete(name);
      const stepper = new Stepper({ model, optimiser, clip, runtime: { threads: 1 }, form: "plain" }, held);
      const rates = toNumbers(truth.all.get("lr")!);
      const losses = toNumbers(truth.all.get("step_loss")!);
      const batch = { inputs: { input: truth.input }, labels: truth.labels };
      const found = await stepper.steps(Array(steps).fill(batch), 0, Array.from(rates.slice(0, steps)));
      found.forEach(({ loss }, i) => {
        expect(Math.abs(loss / losses[i] - 1), `loss of step ${i}`).toBeLessThan(1e-4);
      });
      if (steps === rates.length)
        for (const name of held.keys())
          expect(relative(stepper.state[name], truth.after.get(name)!), name).toBeLessThan(1e-4);
      await stepper.dispose();
    });
  }
});
