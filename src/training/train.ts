// Trains one network: for every epoch a new order, for every batch a step, after every epoch a snapshot. A training that was cut goes on from
// its last snapshot and ends with the same bytes, because every order and every augmentation is a stream named by its seed and epoch.
import { randomStream, UserError } from "../core/index.ts";
import { type Batch, batchesOf, type Dataset, epochOrder } from "../data/index.ts";
import { initialise, type Model } from "../models/index.ts";
import type { RuntimeOptions } from "../runtime/index.ts";
import type { Optimiser } from "./optimisers.ts";
import type { Schedule } from "./schedules.ts";
import { loadLastSnapshot, saveSnapshot } from "./snapshots.ts";
import { Stepper } from "./stepper.ts";

export interface TrainOptions {
  readonly model: Model;
  readonly data: Dataset;
  readonly optimiser: Optimiser;
  readonly schedule: Schedule;
  readonly clip?: number;
  readonly epochs: number;
  readonly batch: number;
  readonly augment: boolean;
  readonly initSeed: number;
  readonly orderSeed: number;
  /** Where the snapshots go. */
  readonly folder: string;
  /** The epochs whose checkpoints stay. */
  readonly isKept: (epoch: number) => boolean;
  readonly runtime?: RuntimeOptions;
}

/** One line of the log. Loss is the mean over the epoch's samples, error in percent, both as seen in training. */
export interface EpochLog {
  readonly epoch: number;
  readonly loss: number;
  readonly error: number;
  readonly rate: number;
  readonly seconds: number;
}

/** Told after every epoch, and with the share of the epoch that is done in between. */
export interface TrainReport {
  epoch?(log: EpochLog): void;
  progress?(epochs: number): void;
}

export async function train(options: TrainOptions, report: TrainReport = {}): Promise<void> {
  const {
    model,
    data,
    optimiser,
    schedule,
    clip,
    epochs,
    batch: size,
    augment,
    orderSeed,
    folder,
    isKept,
    runtime,
  } = options;
  const last = await loadLastSnapshot(folder, model);
  const stepper = new Stepper(
    { model, optimiser, clip, runtime, noiseSeed: orderSeed },
    last?.state ?? initialise(model, options.initSeed),
  );
  let step = last?.step ?? 0;
  if (!last) await saveSnapshot(folder, model, stepper.state, { epoch: 0, step: 0 }, isKept);

  for (let epoch = last?.epoch ?? 0; epoch < epochs; epoch++) {
    const start = performance.now();
    const order = epochOrder(randomStream(orderSeed, "order", epoch), data.count);
    const changes = augment ? randomStream(orderSeed, "augment", epoch) : undefined;
    const sum = { loss: 0, error: 0 };
    let into: Batch | undefined;
    let seen = 0;
    for (const indices of batchesOf(order, size)) {
      const batch = data.batch(indices, {
        augment: changes,
        into: into?.labels.shape[0] === indices.length ? into : undefined,
      });
      into ??= batch;
      const { loss, error } = await stepper.step(batch, step, schedule(step, epoch));
      sum.loss += loss * indices.length;
      sum.error += error * indices.length;
      seen += indices.length;
      step++;
      report.progress?.(epoch + seen / data.count);
    }
    if (!Number.isFinite(sum.loss)) {
      throw new UserError(
        `Training diverged in epoch ${epoch + 1}: the loss is not a number any more. Lower training.lr or lengthen training.warmup_steps.`,
      );
    }
    await saveSnapshot(folder, model, stepper.state, { epoch: epoch + 1, step }, isKept);
    const seconds = (performance.now() - start) / 1000;
    report.epoch?.({
      epoch: epoch + 1,
      loss: sum.loss / seen,
      error: (100 * sum.error) / seen,
      rate: schedule(step - 1, epoch),
      seconds,
    });
  }
  await stepper.dispose();
}
