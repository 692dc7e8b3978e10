// Runs training steps, several in one run of the runtime, and holds the parameters and the optimiser's state between
// runs.
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
  /** True where negative labels are ignored. */
  readonly areSomeIgnored?: boolean;
  readonly runtime?: RuntimeOptions;
  /** The form of convolutions; default fast on the CPU, plain on other devices. */
  readonly form?: "plain" | "fast";
  /** Seeds the noise of dropout. */
  readonly noiseSeed?: number;
}

export class Stepper {
  readonly #options: StepperOptions;
  readonly #state: Record<string, Tensor>;
  /** One compiled step for each batch size: the full size, and that of a short last batch. */
  readonly #compiled = new Map<number, { graph: StepGraph; session: Session }>();

  /** `state` holds the parameters and, to resume, the optimiser's slots; missing slots start at zero. */
  constructor(options: StepperOptions, state: ReadonlyMap<string, Tensor>) {
    this.#options = options;
    this.#state = Object.fromEntries(state);
  }

  /** Parameters by name and optimiser state as `name#slot`, after the last step. */
  get state(): Readonly<Record<string, Tensor>> {
    return this.#state;
  }

  /**
   * Takes steps, starting with step `from` (counted from 0). Each has a batch (all of equal size) and a learning rate.
   * Returns each batch's mean loss and error before its step. The number of steps in a call changes only the time: a
   * call copies the whole state once.
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
      input: stack(batches.map(inputOf)),
      labels: stack(batches.map(({ labels }) => labels)),
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
      ...this.#drawNoise(graph, from, rates.length),
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

  #drawNoise(graph: StepGraph, from: number, count: number): Record<string, Tensor> {
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

/** Stacks tensors of equal shape along a new first axis. */
function stack(parts: readonly Tensor[]): Tensor {
  const [{ dtype, shape }] = parts;
  const size = sizeOf(shape);
  const all = tensor(dtype, [parts.length, ...shape]);
  parts.forEach(({ data }, i) => {
    (all.data as Float32Array).set(data as Float32Array, i * size);
  });
  return all;
}

/** The input of a built-in network, which has only one. */
const inputOf = ({ inputs }: Batch): Tensor => Object.values(inputs)[0];
