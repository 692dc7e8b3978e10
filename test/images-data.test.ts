// The data sets of shared/fixtures/images/datasets: labels, classes, files and pixels against torchvision, the datasets
// library and Python.
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { isPictures, type OpenPictures, openPictures, type PictureDataset, readProcessor } from "../src/data/index.ts";
import { temporaryFolder } from "./checkpoints.ts";
import { hasShared, sharedPath } from "./shared.ts";

interface Expected {
  readonly labels: readonly number[];
  readonly classes?: readonly string[] | null;
  readonly pixel_sums: readonly number[];
}

const root = sharedPath("fixtures/images/datasets");
const expected: Readonly<Record<string, Expected>> = hasShared
  ? JSON.parse(readFileSync(join(root, "expected.json"), "utf8"))
  : {};

/** Keeps bytes unchanged. */
const pipeline = readProcessor(
  { image_processor_type: "ViTImageProcessor", do_resize: false, do_rescale: false, do_normalize: false },
  "preprocessor_config.json",
);

async function read(path: string, options: Partial<OpenPictures> = {}) {
  const data: PictureDataset = await openPictures(path, { pipeline, ...options });
  const all = Array.from({ length: data.count }, (_, i) => i);
  const { inputs, labels } = data.batch(all);
  const { shape, data: values } = inputs.pixel_values;
  const size = values.length / data.count;
  const sums = all.map((i) => (values as Float32Array).subarray(i * size, (i + 1) * size).reduce((a, b) => a + b, 0));
  return { data, shape, labels: Array.from(labels.data, Number), sums };
}

async function expectLike(key: string, path: string, options: Partial<OpenPictures> = {}, factor = 1) {
  const { labels, classes, pixel_sums } = expected[key];
  expect(await isPictures(path)).toBe(true);
  const got = await read(path, options);
  expect(got.labels).toEqual(labels);
  expect(got.sums).toEqual(pixel_sums.map((sum) => factor * sum));
  if (classes !== undefined) expect(got.data.classNames ?? null).toEqual(classes);
  return got;
}

describe.skipIf(!hasShared)("data sets of ../shared (skipped if it is missing)", () => {
  it.each(["train", "test"] as const)("reads a folder for each class: %s", async (split) => {
    const { data, shape } = await expectLike(`folder/${split}`, join(root, "folder"), { split });
    expect(shape).toEqual([data.count, 3, 32, 32]);
    expect(data.notes).toEqual([
      `${join(root, "folder", split)}: ignored files and folders that are not images of a class: cat/notes.txt.`,
    ]);
    await expectLike(`folder/${split}`, join(root, "folder", split));
  });

  it.each(["hub", "hub-zstd"])("reads hub data sets in parquet: %s", async (key) => {
    const { data } = await expectLike(key, join(root, key));
    expect(data.split).toBe("train");
    expect(data.notes).toEqual([]);
  });

  it("reads some rows of shards, and a single shard", async () => {
    const { labels, pixel_sums } = expected.hub;
    const some = await read(join(root, "hub"), { samples: 7 });
    expect(some.labels).toEqual(labels.slice(0, 7));
    const shard = await read(join(root, "hub/data/train-00001-of-00002.parquet"));
    expect([shard.labels, shard.sums]).toEqual([labels.slice(6), pixel_sums.slice(6)]);
    expect(shard.data.classNames).toEqual(expected.hub.classes);
  });

  it.each(["cifar-10-batches-py", "cifar-pickle-python3"])("reads CIFAR's pickles: %s", async (key) => {
    const { data } = await expectLike(key, join(root, key));
    expect(data.notes).toEqual([`${join(root, key)} has no data_batch_2, data_batch_3, data_batch_4, data_batch_5.`]);
    await expectLike(key, join(root, key, "data_batch_1"));
  });

  it("reads MNIST's files, gzipped or not, as three equal channels", async () => {
    await expectLike("idx", join(root, "idx"), { split: "train" }, 3);
    const folder = temporaryFolder();
    for (const name of ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"])
      writeFileSync(join(folder, name), gunzipSync(readFileSync(join(root, "idx", `${name}.gz`))));
    await expectLike("idx", folder, {}, 3);
  });

  it.each(["images.npy", "images_fortran.npy", "images_chw_float.npy"])("reads arrays: %s", async (name) => {
    await expectLike("npy", join(root, "npy", name));
    const folder = temporaryFolder();
    copyFileSync(join(root, "npy", name), join(folder, "images.npy"));
    copyFileSync(join(root, "npy/labels_int32_big.npy"), join(folder, "labels.npy"));
    await expectLike("npy", folder);
    const some = await read(folder, { samples: 5 });
    expect([some.labels, some.sums]).toEqual([expected.npy.labels.slice(0, 5), expected.npy.pixel_sums.slice(0, 5)]);
  });
});
