// Trains one network: for every epoch a new order, for every batch a step, after every epoch a snapshot. A training that was cut goes on from
// its last snapshot and ends with the same bytes, because every order and every augmentation is a stream named by its seed and epoch.
import { type Tensor, UserError } from "../core/index.ts";
import { type Batch, countLabels, type Dataset } from "../data/index.ts";
import type { Model } from "../models/index.ts";
import type { RuntimeOptions } from "../runtime/index.ts";
import type { Optimiser } from "./optimisers.ts";
import { epochBatches, inGroups, stepBatches, windowBatches } from "./orders.ts";
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
  /** Where to stop before its end, at the end of a federated round. */
  readonly until?: number;
  /** What replaces the network's own tensors when it begins at that epoch: a federated round's average. */
  readonly shared?: { readonly at: number; readonly tensors: () => Promise<ReadonlyMap<string, Tensor>> };
  readonly batch: number;
  readonly augment: boolean;
  /** What the network starts from: its parameters by name. */
  readonly start: () => Promise<ReadonlyMap<string, Tensor>>;
  readonly orderSeed: number;
  /** Where the snapshots go. */
  readonly folder: string;
  readonly runtime?: RuntimeOptions;
}

/** Steps that one call of the runtime takes: some seconds' worth, so that its cost is small and progress is still seen. */
const groupMs = 4000;
const mostAtOnce = 32;

/** One line of the log. Loss is the mean over the epoch's samples, error in percent, both as seen in training. */
export interface EpochLog {
  readonly epoch: number;
  readonly loss: number;
  readonly error: number;
  readonly rate: number;
  readonly seconds: number;
}

/** Told after every epoch, before its snapshot is written, and with the share of the epoch that is done in between. */
export interface TrainReport {
  epoch?(log: EpochLog): void | Promise<void>;
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
  const begun = new Map(last?.state ?? (await options.start()));
  if (shared && last?.epoch === shared.at) for (const [name, t] of await shared.tensors()) begun.set(name, t);
  const areSomeIgnored = data.weights !== undefined;
  // where training fails, too: a process that ends with a session of a graphics card open may crash, and its error is lost
  await using stepper = new Stepper({ model, optimiser, clip, areSomeIgnored, runtime, noiseSeed: orderSeed }, begun);
  let step = last?.step ?? 0;
  let atOnce = 1;
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
    for (const group of inGroups(parts.batches, () => atOnce)) {
      const begun = performance.now();
      const rates = group.map((_, i) => parts.rate(step + i));
      const items = group[0].labels.shape[0];
      for (const [i, { loss, error }] of (await stepper.steps(group, step, rates)).entries()) {
        const weight = areSomeIgnored ? countedIn(group[i]) : items;
        sum.loss += loss * weight;
        sum.error += error * weight;
        sum.weight += weight;
      }
      seen += items * group.length;
      step += group.length;
      report.progress?.(epoch + ((next - epoch) * seen) / parts.count);
      const each = (performance.now() - begun) / group.length;
      atOnce = Math.max(1, Math.min(mostAtOnce, Math.floor(groupMs / each)));
    }
    if (!Number.isFinite(sum.loss)) {
      throw new UserError(
        `Training diverged before ${timeline.unit} ${next}: the loss is not a number any more. Lower training.lr or lengthen training.warmup_steps.`,
      );
    }
    // told first: where the snapshot is, the log has its line
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

/** Labels of a batch that count. */
const countedIn = ({ labels: { data } }: Batch): number => countLabels(data, data.length)?.[0] ?? data.length;
