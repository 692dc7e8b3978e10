// Makes the embedded sets from CIFAR-10's official binary files: node scripts/embed-cifar.mjs FOLDER
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./setup.mjs";

const [source] = process.argv.slice(2);
const record = 3073;

/** A record at half size: the label, then each pixel the mean of 2x2 bytes, halves rounded up. */
function halve(bytes) {
  const out = new Uint8Array(1 + 3 * 256);
  out[0] = bytes[0];
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < 16; y++) {
      for (let x = 0; x < 16; x++) {
        const at = 1 + c * 1024 + 2 * y * 32 + 2 * x;
        out[1 + c * 256 + y * 16 + x] = Math.floor(
          (bytes[at] + bytes[at + 1] + bytes[at + 32] + bytes[at + 33] + 2) / 4,
        );
      }
    }
  }
  return out;
}

function write(path, bytes) {
  mkdirSync(join(root, path, ".."), { recursive: true });
  writeFileSync(join(root, path), bytes);
  console.log(path, bytes.length, createHash("sha256").update(bytes).digest("hex"));
}

const train = readFileSync(join(source, "data_batch_1.bin"));
const test = readFileSync(join(source, "test_batch.bin"));
const records = (file, count) => Array.from({ length: count }, (_, i) => file.subarray(i * record, (i + 1) * record));
write("embedded/cifar10-half/train.bin", Buffer.concat(records(train, 4000).map(halve)));
write("embedded/cifar10-half/test.bin", Buffer.concat(records(test, 1000).map(halve)));
write("embedded/cifar10-sample/data_batch_1.bin", train.subarray(0, 500 * record));
