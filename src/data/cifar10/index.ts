// CIFAR-10 (Krizhevsky 2009) in its official binary layout: five train files and a test file, with records of a label
// byte and 3 x 32 x 32 bytes.
import { existsSync } from "node:fs";
import { open } from "node:fs/promises";
import { basename, join } from "node:path";
import { describeFileError } from "../../core/index.ts";
import type { DataSource } from "../dataset.ts";
import { type ImageFormat, officialImages, readRecords } from "../images.ts";

/** Channel statistics of the paper. */
export const cifar10Normalisation = { mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.201] };

export const cifar10Format: ImageFormat = {
  name: "cifar10",
  side: 32,
  classes: 10,
  labelBytes: 1,
  ...cifar10Normalisation,
};
const folder = "cifar-10-batches-bin";
const files = { train: [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`), test: ["test_batch.bin"] };

export const cifar10: DataSource = {
  name: "cifar10",
  title: "CIFAR-10, 50,000 train and 10,000 test images of 32x32, 10 classes",
  async open(options) {
    const { split = "train", samples, dir = "data" } = options;
    const inner = join(dir, folder);
    const place = basename(dir) !== folder && existsSync(inner) ? inner : dir;
    const paths = files[split].map((file) => join(place, file));
    const records = await readRecords(paths, 1 + 3 * 32 * 32, samples, "CIFAR-10", readStart);
    return officialImages(cifar10Format, split, records, options);
  },
};

/** The first bytes of a file, all if `limit` is undefined; undefined if the file does not exist. */
export async function readStart(path: string, limit: number | undefined): Promise<Uint8Array | undefined> {
  const handle = await open(path).catch((error) => {
    if (error.code === "ENOENT") return undefined;
    throw describeFileError(error, path, "read");
  });
  if (!handle) return undefined;
  try {
    const { size } = await handle.stat();
    const bytes = new Uint8Array(Math.min(size, limit ?? size));
    await handle.read(bytes, 0, bytes.length, 0);
    return bytes;
  } finally {
    await handle.close();
  }
}
