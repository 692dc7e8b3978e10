// CIFAR-100 (Krizhevsky 2009) in its official binary layout: train.bin and test.bin, with records of a coarse and a
// fine label byte and 3 x 32 x 32 bytes. The fine label (100 classes) is used.
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { readStart } from "../cifar10/index.ts";
import type { DataSource } from "../dataset.ts";
import { type ImageFormat, officialImages, readRecords } from "../images.ts";

const folder = "cifar-100-binary";
export const cifar100Format: ImageFormat = {
  name: "cifar100",
  side: 32,
  classes: 100,
  labelBytes: 2,
  mean: [0.5071, 0.4867, 0.4408],
  std: [0.2675, 0.2565, 0.2761],
};

export const cifar100: DataSource = {
  name: "cifar100",
  title: "CIFAR-100, 50,000 train and 10,000 test images of 32x32, 100 classes",
  async open(options) {
    const { split = "train", samples, dir = "data" } = options;
    const inner = join(dir, folder);
    const place = basename(dir) !== folder && existsSync(inner) ? inner : dir;
    const record = 2 + 3 * 32 * 32;
    const records = await readRecords([join(place, `${split}.bin`)], record, samples, "CIFAR-100", readStart);
    return officialImages(cifar100Format, split, records, options);
  },
};
