// The batches of a training, in order. Every order and every augmentation is a stream named by seed and epoch (or
// step), so a resumed training has the same batches.
import { randomStream } from "../core/index.ts";
import { type Batch, batchesOf, type Dataset, epochOrder } from "../data/index.ts";

/** The batches of one epoch, with the epoch's own order and augmentation. */
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

/** Joins batches of equal size into lists of at most `most()`, which is called at the start of each list. */
export function* joinBatches(batches: Iterable<Batch>, most: () => number): Generator<Batch[]> {
  let list: Batch[] = [];
  let room = most();
  for (const batch of batches) {
    if (list.length && (list.length >= room || list[0].labels.shape[0] !== batch.labels.shape[0])) {
      yield list;
      list = [];
      room = most();
    }
    list.push(batch);
  }
  if (list.length) yield list;
}

/** The batches of steps `from` … `to`, over epochs that each have their own order. */
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

/** The batches of steps `from` … `to` of a text: windows at random positions. */
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
