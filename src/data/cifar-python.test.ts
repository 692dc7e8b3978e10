import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { temporaryFolder } from "../../test/checkpoints.ts";
import { cifarPickle } from "../../test/cifar-pickle.ts";
import { hasShared, sharedPath } from "../../test/shared.ts";
import { UserError } from "../core/index.ts";
import { isPictures, openData, openPictures, plainPipeline } from "./index.ts";

const byte = (i: number, k: number) => (i * 37 + k * 11) % 256;

it("opens CIFAR-10's pickles as the samples of the binary files", async () => {
  const folder = join(temporaryFolder(), "cifar-10-batches-py");
  mkdirSync(folder);
  writeFileSync(join(folder, "data_batch_1"), cifarPickle([3, 0, 9], "labels", byte));
  writeFileSync(join(folder, "test_batch"), cifarPickle([5], "labels", byte));
  const binary = temporaryFolder();
  const records = [3, 0, 9].flatMap((label, i) => [label, ...Array.from({ length: 3072 }, (_, k) => byte(i, k))]);
  writeFileSync(join(binary, "data_batch_1.bin"), Uint8Array.from(records));
  const [python, official] = [
    await openData(folder, { samples: 3 }),
    await openData("cifar10", { dir: binary, samples: 3 }),
  ];
  expect(python.batch([2, 0, 1])).toEqual(official.batch([2, 0, 1]));
  expect([python.sha256, python.name, python.classes]).toEqual([official.sha256, "cifar10", 10]);
  expect((await openData(folder, { split: "test" })).count).toBe(1);
  expect((await openData(join(folder, "test_batch"))).split).toBe("test");
  expect((await openData(folder, { size: 16 })).inputs[0].shape).toEqual([3, 16, 16]);
  expect((await openData(folder)).notes).toEqual([
    `${folder} has no data_batch_2, data_batch_3, data_batch_4, data_batch_5.`,
  ]);
});

it("uses CIFAR-100's fine labels", async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "train"), cifarPickle([99, 1], "fine_labels", byte));
  const data = await openData(folder);
  expect([data.name, data.classes, [...data.batch([0, 1]).labels.data]]).toEqual(["cifar100", 100, [99n, 1n]]);
  const pictures = await openPictures(folder, { pipeline: plainPipeline() });
  expect([...(pictures.classOf!() as number[])]).toEqual([99, 1]);
});

it("executes nothing, and refuses files that are not CIFAR", async () => {
  const folder = temporaryFolder();
  const refusal = (name: string, bytes: Buffer) => {
    writeFileSync(join(folder, name), bytes);
    return openData(folder).then(
      () => "opened",
      (error) => (error instanceof UserError ? error.message : Promise.reject(error)),
    );
  };
  const path = join(folder, "data_batch_1");
  expect(await refusal("data_batch_1", Buffer.from("\x80\x02cposix\nsystem\nU\x05touch\x85R.", "latin1"))).toBe(
    `${path} is damaged: its pickle does not contain a dictionary. Copy the file again, or save it again.`,
  );
  expect(await refusal("data_batch_1", cifarPickle([1], "other", byte))).toBe(
    `${path} has no labels. Its keys are data, other. Download the file again.`,
  );
  expect(await refusal("data_batch_1", Buffer.from("\x80\x02}.", "latin1"))).toBe(
    `${path} has no array data of uint8 [n, 3072], as in CIFAR's files. Download the file again.`,
  );
  expect(await isPictures(join(folder, "nothing"))).toBe(false);
});

it.skipIf(!hasShared)("is refused for other images, whose network must say how it takes them", async () => {
  const path = sharedPath("fixtures/images/datasets/folder");
  await expect(openData(path)).rejects.toThrow(
    `${path} contains images, but a network without a folder has no image settings`,
  );
  expect(readFileSync(join(path, "test/cat/notes.txt"), "utf8")).toContain("not an image");
});
