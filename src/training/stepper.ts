// Runs training steps, several in one run of the model, and holds the parameters and the optimiser's state in between.
import { randomStream, sizeOf, type Tensor, tensor, toNumbers } from "../core/index.ts";
import type { Batch } from "../data/index.ts";
import { countOperations, lower, lowerFast, outside, serialiseRepeated } from "../graph/index.ts";
import type { Model } from "../models/index.ts";
import { type RuntimeOptions, Session } from "../runtime/index.ts";
import type { Optimiser } from "./optimisers.ts";
import { after, buildStep, type StepGraph } from "./step.ts";

export interface StepperOptions {
  readonly model: Model;
  readonly optimiser: Optimiser;
  readonly clip?: number;
  /** Labels may be negative, and do not count then. */
  readonly areSomeIgnored?: boolean;
  readonly runtime?: RuntimeOptions;
  /** How convolutions are computed; default fast on the CPU, plain on other devices. */
  readonly form?: "plain" | "fast";
  /** Seeds the noise of dropout. */
  readonly noiseSeed?: number;
}

export class Stepper {
  readonly #options: StepperOptions;
  readonly #state: Record<string, Tensor>;
  /** One compiled step for each batch size that was seen: the full one, and perhaps a short last one. */
  readonly #compiled = new Map<number, { graph: StepGraph; session: Session }>();

  /** `state` holds the parameters and, to go on from a checkpoint, the optimiser's slots; slots that are missing start at zero. */
  constructor(options: StepperOptions, state: ReadonlyMap<string, Tensor>) {
    this.#options = options;
    this.#state = Object.fromEntries(state);
  }

  /** Parameters by name and optimiser state as `name#slot`, after the last step. */
  get state(): Readonly<Record<string, Tensor>> {
    return this.#state;
  }

  /**
   * Takes steps, from number `from` (counted from 0), each with its batch (all of one size) and learning rate; returns each batch's mean loss and error
   * before its step. How many steps are taken at once changes nothing but the time: a call costs a copy of the whole state.
   */
  async steps(
    batches: readonly Batch[],
    from: number,
    rates: readonly number[],
  ): Promise<{ loss: number; error: number }[]> {
    const { graph, session } = await this.#compile(batches[0]);
    for (const { name, shape } of graph.state) this.#state[name] ??= tensor("float32", shape);
    const scalars = rates.map((rate, i) => this.#options.optimiser.scalars(from + i + 1, rate));
    const each: Record<string, Tensor> = {
      input: stacked(batches.map(inputOf)),
      labels: stacked(batches.map(({ labels }) => labels)),
      ...Object.fromEntries(
        Object.keys(scalars[0]).map((name) => [
          name,
          tensor(
            "float32",
            [rates.length],
            scalars.map((one) => one[name]),
          ),
        ]),
      ),
      ...this.#noise(graph, from, rates.length),
    };
    const feeds = Object.entries({ ...each, ...this.#state }).map(([name, t]) => [outside(name), t]);
    const results = await session.run(Object.fromEntries(feeds));
    for (const { name } of graph.state) this.#state[name] = results[outside(after(name))];
    const [losses, errors] = ["loss", "error"].map((name) => toNumbers(results[outside(name)]));
    return batches.map((_, i) => ({ loss: losses[i], error: errors[i] }));
  }

  /** Floating-point operations of a step on the batch: see {@link countOperations}. */
  async countOperations(batch: Batch): Promise<number> {
    return countOperations(Object.values((await this.#compile(batch)).graph.outputs));
  }

  async dispose(): Promise<void> {
    for (const { session } of this.#compiled.values()) await session.dispose();
    this.#compiled.clear();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #compile(batch: Batch): Promise<{ graph: StepGraph; session: Session }> {
    const size = batch.labels.shape[0];
    let compiled = this.#compiled.get(size);
    if (!compiled) {
      const { model, optimiser, clip, areSomeIgnored, runtime } = this.#options;
      const { form = (runtime?.device ?? "cpu") === "cpu" ? "fast" : "plain" } = this.#options;
      const { shape: labelShape } = batch.labels;
      const graph = buildStep({ model, input: inputOf(batch), labelShape, areSomeIgnored, optimiser, clip });
      const carried = new Map(graph.state.map(({ name }) => [name, after(name)]));
      const lowered = (form === "fast" ? lowerFast : lower)(graph.outputs);
      compiled = { graph, session: await Session.load(serialiseRepeated(lowered, carried), runtime) };
      this.#compiled.set(size, compiled);
    }
    return compiled;
  }

  #noise(graph: StepGraph, from: number, count: number): Record<string, Tensor> {
    return Object.fromEntries(
      graph.noise.map((shape, i) => {
        const noise = tensor("float32", [count, ...shape]);
        const size = sizeOf(shape);
        for (let k = 0; k < count; k++) {
          const random = randomStream(this.#options.noiseSeed ?? 0, "dropout", from + k, i);
          for (let at = k * size; at < (k + 1) * size; at++) noise.data[at] = random.uniform();
        }
        return [`noise${i}`, noise];
      }),
    );
  }
}

/** Tensors of one shape after one another, along a new first axis. */
function stacked(parts: readonly Tensor[]): Tensor {
  const [{ dtype, shape }] = parts;
  const size = sizeOf(shape);
  const all = tensor(dtype, [parts.length, ...shape]);
  parts.forEach(({ data }, i) => {
    (all.data as Float32Array).set(data as Float32Array, i * size);
  });
  return all;
}

/** The one input of a network of ours, whatever the data call it. */
const inputOf = ({ inputs }: Batch): Tensor => Object.values(inputs)[0];
