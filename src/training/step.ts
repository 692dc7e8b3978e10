// One training step as one graph: forward, loss, gradients, update. Inputs: the batch, the labels, the optimiser's
// scalars, the parameters and their state. Outputs: the mean loss and error of the batch, and the new parameters and
// state.
import type { DType } from "../core/index.ts";
import { Graph, gradients, type Value } from "../graph/index.ts";
import { batchScores, holderOf, type Model } from "../models/index.ts";
import { clippingScale, type Optimiser } from "./optimisers.ts";

export interface StepOptions {
  readonly model: Model;
  /** The inputs of one batch: [batch, …]. */
  readonly input: { readonly dtype: DType; readonly shape: readonly number[] };
  readonly labelShape: readonly number[];
  /** True where negative labels are ignored. */
  readonly areSomeIgnored?: boolean;
  readonly optimiser: Optimiser;
  /** Limit of the gradient's norm; default none. */
  readonly clip?: number;
}

export interface StepGraph {
  /** `loss`, `error` [], and the new value of every name in `state`, as `name'`. */
  readonly outputs: Record<string, Value>;
  /**
   * The state that passes from step to step: parameters by name, optimiser state as `name#slot`, running statistics.
   */
  readonly state: readonly { readonly name: string; readonly shape: readonly number[] }[];
  /** Shapes of the uniform noise for dropout; inputs `noise0`, `noise1` … */
  readonly noise: readonly (readonly number[])[];
}

/** The name of the output with the new value of a state tensor. */
export const after = (name: string): string => `${name}'`;

export function buildStep({ model, input, labelShape, areSomeIgnored, optimiser, clip }: StepOptions): StepGraph {
  const graph = new Graph();
  const noise: (readonly number[])[] = [];
  const tracked: Record<string, Value> = {};
  const holder = holderOf(model.tied);
  const held = model.parameters.filter((p) => p.kind !== "counter" && holder(p.name) === p.name);
  const values = new Map(held.map((p) => [p.name, graph.input(p.name, "float32", p.shape)]));

  const logits = model.forward(
    { input: graph.input("input", input.dtype, input.shape) },
    (name) => values.get(holder(name))!,
    {
      noise: (shape) => graph.input(`noise${noise.push(shape) - 1}`, "float32", shape),
      track: (name, value) => {
        tracked[name] = value;
      },
    },
  );
  const { loss, error } = batchScores(logits, graph.input("labels", "int64", labelShape), areSomeIgnored);

  const trained = held.filter((p) => p.kind !== "statistic");
  const raw = gradients(
    loss,
    trained.map((p) => values.get(p.name)!),
  );
  const scale = clip ? clippingScale(raw, clip) : undefined;
  const scalars = (name: string) => graph.input(name, "float32", []);
  const outputs: Record<string, Value> = { loss, error };
  const state = held.map(({ name, shape }) => ({ name, shape }));
  trained.forEach((p, i) => {
    const slots = Object.fromEntries(
      optimiser.slots.map((slot) => [slot, graph.input(`${p.name}#${slot}`, "float32", p.shape)]),
    );
    const updated = optimiser.update(values.get(p.name)!, raw[i], slots, scalars, scale);
    outputs[after(p.name)] = updated.parameter;
    for (const slot of optimiser.slots) {
      outputs[after(`${p.name}#${slot}`)] = updated.slots[slot];
      state.push({ name: `${p.name}#${slot}`, shape: p.shape });
    }
  });
  for (const [name, value] of Object.entries(tracked)) outputs[after(name)] = value;
  return { outputs, state, noise };
}
