// Trains one network: a new order for every epoch, a step for every batch, a snapshot after every epoch. An interrupted
// training resumes from its last snapshot and ends with the same bytes, because every order and every augmentation is a
// stream named by seed and epoch.
import { type Tensor, UserError } from "../core/index.ts";
import { type Batch, countLabels, type Dataset } from "../data/index.ts";
import type { Model } from "../models/index.ts";
import type { RuntimeOptions } from "../runtime/index.ts";
import type { Optimiser } from "./optimisers.ts";
import { epochBatches, joinBatches, stepBatches, windowBatches } from "./orders.ts";
import type { Schedule } from "./schedules.ts";
import { loadLastSnapshot, saveSnapshot } from "./snapshots.ts";
import { Stepper } from "./stepper.ts";
import type { Timeline } from "./timeline.ts";

export interface TrainOptions {
  readonly model: Model;
  readonly data: Dataset;
  readonly optimiser: Optimiser;
  readonly schedule: Schedule;
  readonly clip?: number;
  readonly timeline: Timeline;
  /** Stop at this moment, the end of a federated round; default the timeline's end. */
  readonly until?: number;
  /** Tensors that replace the network's own when it starts at epoch `at`: the average of a federated round. */
  readonly shared?: { readonly at: number; readonly tensors: () => Promise<ReadonlyMap<string, Tensor>> };
  readonly batch: number;
  readonly augment: boolean;
  /** The initial parameters, by name. */
  readonly start: () => Promise<ReadonlyMap<string, Tensor>>;
  readonly orderSeed: number;
  /** The folder for snapshots. */
  readonly folder: string;
  readonly runtime?: RuntimeOptions;
}

/** Duration of one run of the runtime, in milliseconds: its overhead is small, and progress is still visible. */
const runMs = 4000;
/** Largest number of steps in one run. */
const mostSteps = 32;

/** One line of the log. Loss is the mean over the epoch's samples, error is in percent, both during training. */
export interface EpochLog {
  readonly epoch: number;
  readonly loss: number;
  readonly error: number;
  readonly rate: number;
  readonly seconds: number;
}

export interface TrainReport {
  /** Called after every epoch, before its snapshot is written. */
  epoch?(log: EpochLog): void | Promise<void>;
  /** Called during an epoch with the number of epochs done, as a fraction. */
  progress?(epochs: number): void;
}

export async function train(options: TrainOptions, report: TrainReport = {}): Promise<void> {
  const {
    model,
    data,
    optimiser,
    schedule,
    clip,
    timeline,
    batch: size,
    augment,
    orderSeed,
    folder,
    runtime,
    until = timeline.total,
    shared,
  } = options;
  const isKept = (moment: number) => timeline.isKept(moment);
  const last = await loadLastSnapshot(folder, model);
  const state = new Map(last?.state ?? (await options.start()));
  if (shared && last?.epoch === shared.at) for (const [name, t] of await shared.tensors()) state.set(name, t);
  const areSomeIgnored = data.weights !== undefined;
  // disposed of even if training fails: a process that ends with an open GPU session may crash and lose the error
  await using stepper = new Stepper({ model, optimiser, clip, areSomeIgnored, runtime, noiseSeed: orderSeed }, state);
  let step = last?.step ?? 0;
  let stepsPerRun = 1;
  if (!last) await saveSnapshot(folder, model, stepper.state, { epoch: 0, step: 0 }, isKept);

  for (let epoch = last?.epoch ?? 0; epoch < until; ) {
    const start = performance.now();
    const next = Math.min(until, timeline.nextSnapshot(epoch));
    const parts =
      timeline.unit === "step"
        ? {
            batches: (data.windows ? windowBatches : stepBatches)(data, size, orderSeed, [epoch, next], augment),
            count: (next - epoch) * Math.min(size, data.count),
            rate: (step: number) => schedule(step, step),
          }
        : {
            batches: epochBatches(data, size, orderSeed, epoch, augment),
            count: data.count,
            rate: (step: number) => schedule(step, epoch),
          };
    const sum = { loss: 0, error: 0, weight: 0 };
    let seen = 0;
    for (const batches of joinBatches(parts.batches, () => stepsPerRun)) {
      const runStart = performance.now();
      const rates = batches.map((_, i) => parts.rate(step + i));
      const items = batches[0].labels.shape[0];
      for (const [i, { loss, error }] of (await stepper.steps(batches, step, rates)).entries()) {
        const weight = areSomeIgnored ? countLabelsIn(batches[i]) : items;
        sum.loss += loss * weight;
        sum.error += error * weight;
        sum.weight += weight;
      }
      seen += items * batches.length;
      step += batches.length;
      report.progress?.(epoch + ((next - epoch) * seen) / parts.count);
      const stepMs = (performance.now() - runStart) / batches.length;
      stepsPerRun = Math.max(1, Math.min(mostSteps, Math.floor(runMs / stepMs)));
    }
    if (!Number.isFinite(sum.loss)) {
      throw new UserError(
        `Training diverged before ${timeline.unit} ${next}: the loss is NaN or infinite. Lower training.lr or increase training.warmup_steps.`,
      );
    }
    // before the snapshot, so that every snapshot has its line in the log
    await report.epoch?.({
      epoch: next,
      loss: sum.loss / sum.weight,
      error: (100 * sum.error) / sum.weight,
      rate: parts.rate(step - 1),
      seconds: (performance.now() - start) / 1000,
    });
    await saveSnapshot(folder, model, stepper.state, { epoch: next, step }, isKept);
    epoch = next;
  }
}

/** The number of labels of a batch that are not ignored. */
const countLabelsIn = ({ labels: { data } }: Batch): number => countLabels(data, data.length)?.[0] ?? data.length;
