// The batches that training sees, in their order. Every order and every change to an image is a stream named by seed and epoch (or step), so a training
// that was cut meets the same ones again.
import { randomStream } from "../core/index.ts";
import { type Batch, batchesOf, type Dataset, epochOrder } from "../data/index.ts";

/** The batches of one epoch: its own order, its own changes. */
export function* epochBatches(
  data: Dataset,
  size: number,
  orderSeed: number,
  epoch: number,
  augmented: boolean,
): Generator<Batch> {
  const order = epochOrder(randomStream(orderSeed, "order", epoch), data.count);
  const augment = augmented ? randomStream(orderSeed, "augment", epoch) : undefined;
  for (const indices of batchesOf(order, size)) yield data.batch(indices, { augment });
}

/** Batches in groups of one size, each of as many as `most` says when it begins. */
export function* inGroups(batches: Iterable<Batch>, most: () => number): Generator<Batch[]> {
  let group: Batch[] = [];
  let room = most();
  for (const batch of batches) {
    if (group.length && (group.length >= room || group[0].labels.shape[0] !== batch.labels.shape[0])) {
      yield group;
      group = [];
      room = most();
    }
    group.push(batch);
  }
  if (group.length) yield group;
}

/** The batches of some steps: of epoch after epoch, each in an order of its own. */
export function* stepBatches(
  data: Dataset,
  size: number,
  orderSeed: number,
  [from, to]: readonly [number, number],
  augmented: boolean,
): Generator<Batch> {
  const each = Math.ceil(data.count / size);
  for (let step = from; step < to; ) {
    const epoch = Math.floor(step / each);
    const batches = [...batchesOf(epochOrder(randomStream(orderSeed, "order", epoch), data.count), size)];
    for (; step < Math.min(to, each * (epoch + 1)); step++) {
      yield data.batch(batches[step % each], {
        augment: augmented ? randomStream(orderSeed, "augment", epoch, step) : undefined,
      });
    }
  }
}

/** The batches of some steps of a text: windows at any position. */
export function* windowBatches(
  { windows, positions }: Dataset,
  size: number,
  orderSeed: number,
  [from, to]: readonly [number, number],
): Generator<Batch> {
  for (let step = from; step < to; step++) {
    const random = randomStream(orderSeed, "windows", step);
    yield windows!(Array.from({ length: size }, () => random.integer(positions!)));
  }
}
