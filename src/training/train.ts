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
  /** Epochs; with `nextStop`, steps. */
  readonly epochs: number;
  /** Trains by steps on windows drawn at random instead of by epochs; gives the step of the next snapshot. */
  readonly nextStop?: (step: number) => number;
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

  const { nextStop } = options;
  for (let epoch = last?.epoch ?? 0; epoch < epochs; ) {
    const start = performance.now();
    const next = nextStop ? Math.min(epochs, nextStop(epoch)) : epoch + 1;
    const parts = nextStop
      ? { batches: windowBatches(data, size, orderSeed, [epoch, next]), count: (next - epoch) * size }
      : { batches: epochBatches(data, size, orderSeed, epoch, augment), count: data.count };
    const sum = { loss: 0, error: 0 };
    let seen = 0;
    for (const batch of parts.batches) {
      const { loss, error } = await stepper.step(batch, step, schedule(step, nextStop ? step : epoch));
      const items = batch.labels.shape[0];
      sum.loss += loss * items;
      sum.error += error * items;
      seen += items;
      step++;
      report.progress?.(epoch + ((next - epoch) * seen) / parts.count);
    }
    if (!Number.isFinite(sum.loss)) {
      throw new UserError(
        `Training diverged before ${nextStop ? "step" : "epoch"} ${next}: the loss is not a number any more. Lower training.lr or lengthen training.warmup_steps.`,
      );
    }
    await saveSnapshot(folder, model, stepper.state, { epoch: next, step }, isKept);
    const seconds = (performance.now() - start) / 1000;
    report.epoch?.({
      epoch: next,
      loss: sum.loss / seen,
      error: (100 * sum.error) / seen,
      rate: schedule(step - 1, nextStop ? step - 1 : epoch),
      seconds,
    });
    epoch = next;
  }
  await stepper.dispose();
}

/** The batches of one epoch: its own order, its own changes. */
function* epochBatches(
  data: Dataset,
  size: number,
  orderSeed: number,
  epoch: number,
  augmented: boolean,
): Generator<Batch> {
  const order = epochOrder(randomStream(orderSeed, "order", epoch), data.count);
  const augment = augmented ? randomStream(orderSeed, "augment", epoch) : undefined;
  let into: Batch | undefined;
  for (const indices of batchesOf(order, size)) {
    const batch = data.batch(indices, {
      augment,
      into: into?.labels.shape[0] === indices.length ? into : undefined,
    });
    into ??= batch;
    yield batch;
  }
}

/** The batches of some steps of a text: windows at any position. */
function* windowBatches(
  { name, windows, positions }: Dataset,
  size: number,
  orderSeed: number,
  [from, to]: readonly [number, number],
): Generator<Batch> {
  if (!windows || !positions)
    throw new UserError(
      `${name} is no text, so it is trained by epochs: give training.epochs in place of training.steps.`,
    );
  for (let step = from; step < to; step++) {
    const random = randomStream(orderSeed, "windows", step);
    yield windows(Array.from({ length: size }, () => random.integer(positions)));
  }
}
