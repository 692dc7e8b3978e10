// Runs training steps: holds the parameters and the optimiser's state in two sets of buffers that swap at each step, so nothing is allocated.
import { randomStream, type Tensor, tensor, toNumbers } from "../core/index.ts";
import type { Batch } from "../data/index.ts";
import { lower, lowerFast, serialise } from "../graph/index.ts";
import type { Model } from "../models/index.ts";
import { type RuntimeOptions, Session } from "../runtime/index.ts";
import type { Optimiser } from "./optimisers.ts";
import { after, buildStep, type StepGraph } from "./step.ts";

export interface StepperOptions {
  readonly model: Model;
  readonly optimiser: Optimiser;
  readonly clip?: number;
  readonly runtime?: RuntimeOptions;
  /** How convolutions are computed; default fast on the CPU, plain on other devices. */
  readonly form?: "plain" | "fast";
  /** Seeds the noise of dropout. */
  readonly noiseSeed?: number;
}

export class Stepper {
  readonly #options: StepperOptions;
  #state: Record<string, Tensor>;
  #spare: Record<string, Tensor>;
  /** One compiled step for each batch size that was seen: the full one, and perhaps a short last one. */
  readonly #compiled = new Map<number, { graph: StepGraph; session: Session }>();

  /** `state` holds the parameters and, to go on from a checkpoint, the optimiser's slots; slots that are missing start at zero. */
  constructor(options: StepperOptions, state: ReadonlyMap<string, Tensor>) {
    this.#options = options;
    this.#state = Object.fromEntries([...state].map(([name, t]) => [name, { ...t, data: t.data.slice() }]));
    this.#spare = {};
  }

  /** Parameters by name and optimiser state as `name#slot`, after the last step. Valid until the next step. */
  get state(): Readonly<Record<string, Tensor>> {
    return this.#state;
  }

  /** Takes step number `step` (from 0) at a learning rate; returns the batch's mean loss and error before it. */
  async step(batch: Batch, step: number, rate: number): Promise<{ loss: number; error: number }> {
    const { graph, session } = await this.#compile(batch);
    for (const { name, shape } of graph.state) {
      this.#state[name] ??= tensor("float32", shape);
      this.#spare[name] ??= tensor("float32", shape);
    }
    const scalars = Object.entries(this.#options.optimiser.scalars(step + 1, rate)).map(([name, x]) => [
      name,
      tensor("float32", [], [x]),
    ]);
    const feeds = {
      ...batch.inputs,
      labels: batch.labels,
      ...Object.fromEntries(scalars),
      ...this.#noise(graph, step),
      ...this.#state,
    };
    const carried = graph.state.filter(({ name }) => after(name) in graph.outputs);
    const { loss, error } = await session.run(
      feeds,
      Object.fromEntries(carried.map(({ name }) => [after(name), this.#spare[name]])),
    );
    for (const { name } of carried) [this.#state[name], this.#spare[name]] = [this.#spare[name], this.#state[name]];
    return { loss: toNumbers(loss)[0], error: toNumbers(error)[0] };
  }

  async dispose(): Promise<void> {
    for (const { session } of this.#compiled.values()) await session.dispose();
    this.#compiled.clear();
  }

  async #compile(batch: Batch): Promise<{ graph: StepGraph; session: Session }> {
    const size = batch.labels.shape[0];
    let compiled = this.#compiled.get(size);
    if (!compiled) {
      const { model, optimiser, clip, runtime } = this.#options;
      const { form = (runtime?.device ?? "cpu") === "cpu" ? "fast" : "plain" } = this.#options;
      const graph = buildStep({ model, input: batch.inputs.input, labelShape: batch.labels.shape, optimiser, clip });
      compiled = {
        graph,
        session: await Session.load(serialise((form === "fast" ? lowerFast : lower)(graph.outputs)), runtime),
      };
      this.#compiled.set(size, compiled);
    }
    return compiled;
  }

  #noise(graph: StepGraph, step: number): Record<string, Tensor> {
    return Object.fromEntries(
      graph.noise.map((shape, i) => {
        const random = randomStream(this.#options.noiseSeed ?? 0, "dropout", step, i);
        const noise = tensor("float32", shape);
        for (let at = 0; at < noise.data.length; at++) noise.data[at] = random.uniform();
        return [`noise${i}`, noise];
      }),
    );
  }
}
