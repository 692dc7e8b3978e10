// Makes the embedded data sets from CIFAR-10's official binary files: node --import tsx scripts/embed-cifar.mjs FOLDER
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { halve } from "../src/data/images.ts";
import { root } from "./setup.mjs";

const [source] = process.argv.slice(2);
const record = 3073;

function write(path, bytes) {
  mkdirSync(join(root, path, ".."), { recursive: true });
  writeFileSync(join(root, path), bytes);
  console.log(path, bytes.length, createHash("sha256").update(bytes).digest("hex"));
}

const train = readFileSync(join(source, "data_batch_1.bin"));
const test = readFileSync(join(source, "test_batch.bin"));
const format = { side: 32, labelBytes: 1 };
const first = (file, count) => halve(file.subarray(0, count * record), format);
write("embedded/cifar10-half/train.bin", first(train, 4000));
write("embedded/cifar10-half/test.bin", first(test, 1000));
write("embedded/cifar10-sample/data_batch_1.bin", train.subarray(0, 500 * record));
