// --data cifar-10-batches-py or cifar-100-python: the official pickles in place of the binary files. They give the same
// samples of the same data set.
import { cifar10Format } from "./cifar10/index.ts";
import { cifar100Format } from "./cifar100/index.ts";
import type { DataOptions, Dataset } from "./dataset.ts";
import { firstRecords, officialImages } from "./images.ts";
import { isFile } from "./locate/files.ts";
import { readCifar } from "./pictures/index.ts";

/** Opens a folder of CIFAR's Python files, or one of the files. The default split of a folder is train. */
export async function openPythonCifar(path: string, options: DataOptions): Promise<Dataset> {
  const { split = isFile(path) ? undefined : "train", samples } = options;
  const { bytes, labels, notes, areFine, ...images } = await readCifar(path, { split, samples });
  const format = areFine ? cifar100Format : cifar10Format;
  const pixels = 3 * format.side ** 2;
  const size = format.labelBytes + pixels;
  const records = new Uint8Array(labels.length * size);
  for (const [i, label] of labels.entries()) {
    records[i * size + format.labelBytes - 1] = label;
    records.set(bytes.subarray(i * pixels, (i + 1) * pixels), i * size + format.labelBytes);
  }
  const chosen = firstRecords(records, size, samples, path);
  return Object.assign(officialImages(format, images.split, chosen, options), { notes });
}
