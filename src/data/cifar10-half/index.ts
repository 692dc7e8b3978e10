// The embedded set: the first 4,000 train and 1,000 test images of CIFAR-10 at half size (16x16, each pixel the mean of
// 2x2, rounded to a byte). It is part of the project, so `npm start` needs no download.
import { join } from "node:path";
import { projectRoot, sha256, UserError } from "../../core/index.ts";
import { cifar10Normalisation, readStart } from "../cifar10/index.ts";
import type { DataSource } from "../dataset.ts";
import { firstRecords, type ImageFormat, imageDataset, readRecords } from "../images.ts";

const format: ImageFormat = { name: "cifar10-half", side: 16, classes: 10, labelBytes: 1, ...cifar10Normalisation };
const record = 1 + 3 * 16 * 16;

/** SHA-256 of the files; see embedded/README.md for how they were made. */
const checksums = {
  train: "efefb2ec8cd597f2346afa5e54bcc4ec32a912b6a1d5c11ceeca1c26561fca4e",
  test: "c1e0e1081a9d22be21f849c00a7c6251d16a89fdbeeaef870da6992c7b9bbc7d",
};

export const cifar10Half: DataSource = {
  name: "cifar10-half",
  title: "CIFAR-10 at half size, embedded: 4,000 train and 1,000 test images of 16x16, 10 classes",
  async open(options) {
    const { split = "train", samples } = options;
    const path = join(projectRoot, "embedded/cifar10-half", `${split}.bin`);
    const all = await readRecords([path], record, undefined, "The embedded set", readStart);
    if (sha256(all) !== checksums[split])
      throw new UserError(`${path} is damaged: its checksum is wrong. Install the project again.`);
    return imageDataset(format, split, firstRecords(all, record, samples, "The embedded set"), options);
  },
};
