import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parquetWriteFile } from "hyparquet-writer";
import sharp from "sharp";
import { expect, it } from "vitest";
import { temporaryFolder } from "../../../test/checkpoints.ts";
import { toNumbers, UserError } from "../../core/index.ts";
import { imagenetPipeline, isPictures, type OpenPictures, openPictures, plainPipeline, readTimm } from "./index.ts";

/** Mean 0 and deviation 1/255: values equal the bytes. */
const bytes = plainPipeline([0, 0, 0], [1 / 255, 1 / 255, 1 / 255]);

const png = (grey: number, side = 2) =>
  sharp(Buffer.alloc(side * side, grey), { raw: { width: side, height: side, channels: 1 } })
    .png()
    .toBuffer();

/** Writes files into a new folder: PNGs of one grey, or bytes. */
async function folderOf(files: Readonly<Record<string, number | Uint8Array>>): Promise<string> {
  const folder = temporaryFolder();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), typeof content === "number" ? await png(content) : content);
  }
  return folder;
}

const greys = async (path: string, options: Partial<OpenPictures> = {}) => {
  const data = await openPictures(path, { pipeline: bytes, ...options });
  const { inputs, labels } = data.batch(Array.from({ length: data.count }, (_, i) => i));
  const { data: values } = inputs.pixel_values;
  const size = values.length / data.count;
  const own = Array.from({ length: data.count }, (_, i) => Math.round(Number(values[i * size])));
  return { data, greys: own, labels: Array.from(labels.data, Number) };
};

const refusal = (path: string, options: Partial<OpenPictures> = {}) =>
  greys(path, options).then(
    () => "read",
    (error) => (error instanceof UserError ? error.message : Promise.reject(error)),
  );

it("sorts classes and files by code point, reads subfolders, and notes ignored files", async () => {
  const folder = await folderOf({
    "val/b/2.png": 2,
    "val/b/10.png": 1,
    "val/b/more/0.PNG": 3,
    "val/Z/x.png": 0,
    "val/Z/x.txt": new Uint8Array(1),
    "val/.cache/y.png": 9,
    "val/metadata.csv": new Uint8Array(1),
    "train/b/1.png": 7,
  });
  expect(await isPictures(folder)).toBe(true);
  const read = await greys(folder);
  expect([read.greys, read.labels, read.data.classNames, read.data.split]).toEqual([
    [0, 1, 2, 3],
    [0, 1, 1, 1],
    ["Z", "b"],
    "valid",
  ]);
  expect(read.data.notes).toEqual([
    `${join(folder, "val")}: ignored files and folders that are not images of a class: metadata.csv, .cache, Z/x.txt.`,
  ]);
  expect((await greys(folder, { split: "train" })).greys).toEqual([7]);
  expect(await refusal(folder, { split: "test" })).toBe(
    `${folder} has no split test. Its splits are train, valid. Choose one of them with --split.`,
  );
});

it("refuses images without class folders, whatever the folder they are in", async () => {
  const table = Buffer.from("file_name,label\n0.png,cat\n");
  const sentence = (folder: string, name = "metadata.csv") =>
    `${folder} contains images without class folders; labels in ${name} are not read. Make a folder for each class.`;
  const splits = await folderOf({
    "train/0.png": 1,
    "train/metadata.csv": table,
    "test/0.png": 1,
    "test/.cache/x": table,
  });
  expect(await refusal(splits, { split: "train" })).toBe(sentence(join(splits, "train")));
  expect(await refusal(join(splits, "train"))).toBe(sentence(join(splits, "train")));
  expect(await refusal(splits)).toBe(
    `${join(splits, "test")} contains images without class folders, so they have no labels. Make a folder for each class.`,
  );
  const kaggle = await folderOf({ "images/0.png": 1, "images/1.png": 2, "labels.csv": table });
  expect(await refusal(kaggle)).toBe(sentence(join(kaggle, "images"), "labels.csv"));
});

it("accepts a class that is named like a split, and a split without class folders beside one with them", async () => {
  expect((await greys(await folderOf({ "bus/1.png": 1, "train/1.png": 2 }))).data.classNames).toEqual(["bus", "train"]);
  expect((await greys(await folderOf({ "train/a/1.png": 1, "test/1.png": 2 }))).data.split).toBe("train");
});

it("ignores folders and files of systems, with a note", async () => {
  const junk = {
    "__MACOSX/a/._1.png": 8,
    "@eaDir/1.png": 8,
    "b/.ipynb_checkpoints/1.png": 8,
    "b/more/__MACOSX/1.png": 8,
  };
  const folder = await folderOf({ "a/1.png": 1, "b/2.png": 2, "b/._2.png": 8, ...junk });
  const { greys: own, labels, data } = await greys(folder);
  expect([own, labels, data.classNames]).toEqual([
    [1, 2],
    [0, 1],
    ["a", "b"],
  ]);
  expect(data.notes).toEqual([
    `${folder}: ignored files and folders that are not images of a class: @eaDir, __MACOSX, b/.ipynb_checkpoints and 2 more.`,
  ]);
  const only = await folderOf({ "__MACOSX/1.png": 8, ".cache/1.png": 8, "a/notes.txt": Buffer.from("x") });
  expect(await isPictures(only)).toBe(false);
});

it("decodes each image of a batch once, and only these, and repeats a sample that is requested twice", async () => {
  const folder = await folderOf({ "a/1.png": 5, "a/2.png": 6, "b/3.png": Buffer.from("no image") });
  const some = await openPictures(folder, { pipeline: bytes, samples: 2, input: "x" });
  const first = some.batch([1, 0, 1]);
  const values = toNumbers(first.inputs.x).filter((_, i) => i % 12 === 0);
  expect(Array.from(values, Math.round)).toEqual([6, 5, 6]);
  rmSync(join(folder, "a"), { recursive: true });
  expect(some.batch([1, 0, 1])).toEqual(first);
  expect(some.notes).toEqual([
    `The first 2 images of ${folder} cover 1 of its 2 classes, because the folder is read class by class.`,
  ]);
});

it("has a hash of all files and labels, and of the first ones", async () => {
  const [one, same, other] = [
    await folderOf({ "a/1.png": 5, "b/2.png": 6 }),
    await folderOf({ "c/7.png": 5, "d/8.png": 6, "d/9.png": 7 }),
    await folderOf({ "a/1.png": 5, "b/2.png": 7 }),
  ];
  const open = (path: string, samples?: number) => openPictures(path, { pipeline: bytes, samples });
  const { sha256 } = await open(one);
  expect((await open(same, 2)).sha256).toBe(sha256);
  expect((await open(same)).hashOf!(2)).toBe(sha256);
  expect((await open(other)).sha256).not.toBe(sha256);
});

it("maps classes to the network's labels by name", async () => {
  const folder = await folderOf({ "cat/1.png": 1, "dog/1.png": 2 });
  const labels: Readonly<Record<string, number>> = { dog: 0, cat: 4 };
  const read = await greys(folder, { labelOf: (name) => labels[name] });
  expect([read.labels, read.data.classes]).toEqual([[4, 0], 5]);
  expect(
    await refusal(folder, { labelOf: (name) => (name === "dog" ? 0 : undefined), labelNames: ["dog", "Cat"] }),
  ).toBe(`${folder} has the class "cat", but the network has no such label (dog, Cat). Rename or remove the class.`);
});

it("names an unreadable image, an empty class, and an image of a different size", async () => {
  const whole = await png(3, 40);
  const broken = await folderOf({ "a/1.png": 1, "a/2.png": whole.subarray(0, whole.length - 20) });
  expect(await refusal(broken)).toMatch(
    new RegExp(
      `^${join(broken, "a/2.png")} cannot be read as an image: .+\\. Copy it again, convert it to PNG, or remove it\\.$`,
    ),
  );
  const text = await folderOf({ "a/1.png": Buffer.from("hello") });
  expect(await refusal(text)).toContain("cannot be read as an image: it is not a complete JPEG, PNG or WebP file.");
  const empty = await folderOf({ "a/1.png": 1, "b/notes.txt": Buffer.from("x") });
  expect(await refusal(empty)).toBe(
    `The class folder ${join(empty, "b")} contains no image. Add images, or remove the folder.`,
  );
  const sizes = await folderOf({ "a/1.png": 1, "a/2.png": await png(2, 3) });
  expect(await refusal(sizes)).toBe(
    `${join(sizes, "a/2.png")} has 3x3 pixels after preprocessing, but the first image has 2x2. Give images of one size, or a preprocessor that crops them.`,
  );
  expect((await greys(sizes, { pipeline: imagenetPipeline({ resize: 4, crop: 3 }) })).data.inputs).toEqual([
    { name: "pixel_values", dtype: "float32", shape: [3, 3, 3] },
  ]);
  expect(await refusal(sizes, { samples: 3 })).toBe(
    `${sizes} contains 2 images, but 3 are needed. Use fewer samples: --samples, or data.samples and measure.samples in a recipe.`,
  );
  expect(await refusal(temporaryFolder())).toContain("contains no supported images");
  expect(await refusal(join(sizes, "nothing"))).toContain("does not exist. Check the path of the images");
});

const images = async () => [await png(1), await png(2)];
const long = (values: readonly bigint[], name = "label") => ({ name, data: [...values], type: "INT64" as const });

async function parquet(path: string, columns: Parameters<typeof parquetWriteFile>[0]["columnData"]): Promise<string> {
  mkdirSync(dirname(path), { recursive: true });
  parquetWriteFile({ filename: path, columnData: columns });
  return path;
}

it("refuses a picture of which nothing would remain", async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "a"));
  const line = sharp(Buffer.alloc(300), { raw: { width: 300, height: 1, channels: 1 } });
  await line.png().toFile(join(folder, "a/1.png"));
  const pipeline = readTimm({ input_size: [3, 8, 8], crop_mode: "border" }, "config.json");
  expect(await refusal(folder, { pipeline })).toBe(
    `${join(folder, "a/1.png")} is 300x1 pixels, too narrow to resize for the network: 9x0 pixels would remain. Remove or crop it.`,
  );
});

it("reads parquet shards, and class names from a README.md; refuses missing shards", async () => {
  const folder = temporaryFolder();
  const image = { name: "picture", data: await images(), type: "BYTE_ARRAY" as const };
  await parquet(join(folder, "data/train-00000-of-00003.parquet"), [image, long([1n, 0n])]);
  await parquet(join(folder, "data/train-00001-of-00003.parquet"), [image, long([0n, 0n])]);
  const card =
    "---\ndataset_info:\n- features:\n  - name: label\n    dtype:\n      class_label:\n        names:\n          '0': cat\n          '1': dog\n---\n";
  writeFileSync(join(folder, "README.md"), card);
  expect(await isPictures(folder)).toBe(true);
  const read = await greys(folder, { samples: 3 });
  expect([read.greys, read.labels, read.data.classNames, read.data.split]).toEqual([
    [1, 2, 1],
    [1, 0, 0],
    ["cat", "dog"],
    "train",
  ]);
  expect(await refusal(folder)).toBe(
    `${folder} has 2 of the 3 files of train. Add the missing ones, or use fewer samples: --samples, or data.samples and measure.samples in a recipe.`,
  );
});

it("refuses parquet without images or labels, or with unknown labels", async () => {
  const path = join(temporaryFolder(), "x.parquet");
  const image = { name: "image", data: await images(), type: "BYTE_ARRAY" as const };
  await parquet(path, [image]);
  expect(await refusal(path)).toBe(`${path} has no labels. Its columns are image. Add a column label of integers.`);
  await parquet(path, [image, long([0n, 1n], "one"), long([0n, 1n], "two")]);
  expect(await refusal(path)).toBe(`${path} has several integer columns: one, two. Rename the class column to label.`);
  await parquet(path, [image, long([0n, 1n], "fine_label"), long([1n, 1n], "coarse_label")]);
  expect((await greys(path)).data.notes).toEqual(["The labels are the column fine_label of fine_label, coarse_label."]);
  await parquet(path, [image, long([0n, -1n])]);
  expect(await refusal(path)).toBe(`Row 1 of ${path} has no label (-1). Choose a split with labels.`);
  await parquet(path, [{ ...image, data: [(await images())[0], new Uint8Array(3)] }, long([0n, 1n])]);
  expect(await refusal(path)).toContain(`Row 1 of ${path} cannot be read as an image`);
  await parquet(path, [{ name: "text", data: ["a", "b"], type: "STRING" }, long([0n, 1n])]);
  expect(await isPictures(path)).toBe(false);
  expect(await refusal(path)).toBe(
    `${path} has no image column. Its columns are text, label. Give a data set with image bytes.`,
  );
});

/** A .npy file of version 1. */
function npy(code: string, shape: readonly number[], data: ArrayBufferView): Uint8Array {
  const text = `{'descr': '${code}', 'fortran_order': False, 'shape': (${shape.join(", ")},), }`.padEnd(117);
  const head = Buffer.from([0x93, ...Buffer.from("NUMPY"), 1, 0, 118, 0]);
  return Buffer.concat([head, Buffer.from(`${text}\n`), Buffer.from(data.buffer, data.byteOffset, data.byteLength)]);
}

it("reads arrays by names and layout, and refuses ambiguous layouts", async () => {
  const own = Uint8Array.from({ length: 2 * 3 * 4 * 5 }, (_, i) => (i < 60 ? 10 : 20));
  const labels = npy("|u1", [2], Uint8Array.of(1, 0));
  const write = (shape: readonly number[], code = "|u1", data: ArrayBufferView = own) =>
    folderOf({ "x_train.npy": npy(code, shape, data), "y_train.npy": labels });
  const first = await greys(await write([2, 3, 4, 5]));
  expect([first.greys, first.labels, first.data.split, first.data.inputs[0].shape]).toEqual([
    [10, 20],
    [1, 0],
    "train",
    [3, 4, 5],
  ]);
  expect((await greys(await write([2, 4, 5, 3]))).data.inputs[0].shape).toEqual([3, 4, 5]);
  expect((await greys(await write([2, 6, 10]))).data.inputs[0].shape).toEqual([3, 6, 10]);
  expect(await refusal(await write([2, 3, 20, 1]))).toContain("so its channels may be first or last");
  expect(await refusal(await write([2, 4, 3, 5]))).toContain("have one or three channels at the end or after n");
  expect(
    await refusal(
      await write(
        [2, 3, 4, 5],
        "<f4",
        Float32Array.from(own, (v) => v / 100),
      ),
    ),
  ).toContain("has the value 0.10000000149011612, but pixels must be bytes, or bytes divided by 255");
  expect(await refusal(await write([4, 3, 2, 5]))).toContain("has 4 images, but");
});

it("refuses damaged idx files", async () => {
  const head = (magic: number, ...shape: number[]) => {
    const words = Buffer.alloc(4 + 4 * shape.length);
    [magic, ...shape].forEach((value, i) => void words.writeUInt32BE(value, 4 * i));
    return words;
  };
  const write = (pixels: Buffer, labels: Buffer) =>
    folderOf({ "t10k-images-idx3-ubyte": pixels, "t10k-labels-idx1-ubyte": labels });
  const labels = Buffer.concat([head(0x801, 1), Buffer.of(7)]);
  const right = await write(Buffer.concat([head(0x803, 1, 2, 2), Buffer.alloc(4, 9)]), labels);
  const read = await greys(right);
  expect([read.greys, read.labels, read.data.split]).toEqual([[9], [7], "test"]);
  expect(await refusal(await write(Buffer.concat([head(0x803, 1, 2, 2), Buffer.alloc(3)]), labels))).toContain(
    "has 3 elements, but its header has 1x2x2. Download the file again.",
  );
  expect(await refusal(await write(Buffer.concat([head(0x804, 1, 2, 2), Buffer.alloc(4)]), labels))).toContain(
    "is not an idx file with 3 axes",
  );
});
