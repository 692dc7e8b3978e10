// Damaged files: bits flipped, pieces cut, repeated or moved, wrong lengths. Whatever
// happened, a file is read or refused with a sentence; nothing else is thrown, nothing hangs, nothing grows.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32, deflateRawSync } from "node:zlib";
import fc from "fast-check";
import { expect, it } from "vitest";
import { formats, onnxBytes, readTensors, temporaryFolder, writeTensors, zipOf } from "../../test/checkpoints.ts";
import { projectRoot, tensor, UserError } from "../core/index.ts";
import { npyHeader } from "./npz/npy.ts";

const folder = temporaryFolder();

/** Changes one thing; places are fractions of the length. */
type Damage = (bytes: Buffer, other: Buffer) => Buffer;

const anywhere = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
/** Headers are at the start, a zip archive's directory is at the end. */
const place = fc.oneof(
  anywhere,
  anywhere.map((x) => x ** 4),
  anywhere.map((x) => 1 - x ** 4 - 1e-9),
);
const at = (bytes: Buffer, where: number, room = 1) =>
  Math.max(0, Math.min(Math.floor(where * bytes.length), bytes.length - room));

const liar = fc.oneof(
  fc.constantFrom(0n, 1n, 2n ** 15n, 2n ** 31n, 2n ** 31n - 1n, 2n ** 32n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n),
  fc.bigInt({ min: 0n, max: 2n ** 20n }),
);

const anyDamage: fc.Arbitrary<Damage> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(place, fc.nat(7)).map(([where, bit]) => (bytes: Buffer) => {
      const copy = Buffer.from(bytes);
      if (copy.length > 0) copy[at(bytes, where)] ^= 1 << bit;
      return copy;
    }),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(place, fc.nat(255)).map(([where, value]) => (bytes: Buffer) => {
      const copy = Buffer.from(bytes);
      if (copy.length > 0) copy[at(bytes, where)] = value;
      return copy;
    }),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(place, liar, fc.constantFrom(2, 4, 8)).map(([where, value, width]) => (bytes: Buffer) => {
      const copy = Buffer.from(bytes);
      const number = Buffer.from(BigUint64Array.of(value).buffer).subarray(0, width);
      number.copy(copy, at(bytes, where, width));
      return copy;
    }),
  },
  { weight: 1, arbitrary: place.map((where) => (bytes: Buffer) => bytes.subarray(0, at(bytes, where))) },
  {
    weight: 1,
    arbitrary: fc.tuple(place, place, place).map(([from, to, where]) => (bytes: Buffer) => {
      const piece = bytes.subarray(at(bytes, Math.min(from, to)), at(bytes, Math.max(from, to)));
      return Buffer.concat([bytes.subarray(0, at(bytes, where)), piece, bytes.subarray(at(bytes, where))]);
    }),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(place, place).map(([from, to]) => (bytes: Buffer) => {
      const rest = bytes.subarray(at(bytes, Math.max(from, to)));
      return Buffer.concat([bytes.subarray(0, at(bytes, Math.min(from, to))), rest]);
    }),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(place, place).map(([where, from]) => (bytes: Buffer, other: Buffer) => {
      return Buffer.concat([bytes.subarray(0, at(bytes, where)), other.subarray(at(other, from))]);
    }),
  },
);

/** A small file of every form. */
async function originals(): Promise<Map<string, Buffer>> {
  const tensors = new Map([
    ["conv.weight", tensor("float32", [2, 3], [1, 2, 3, 4, 5, 6])],
    ["conv.steps", tensor("int64", [], [7])],
    ["mask", tensor("bool", [3], [1, 0, 1])],
  ]);
  const files = new Map<string, Buffer>();
  for (const format of formats) {
    const path = join(folder, format);
    await writeTensors(path, format, tensors);
    files.set(format, readFileSync(path));
  }
  files.set("onnx", Buffer.from(onnxBytes(tensors)));
  for (const sample of ["torch.zip.pt", "torch.legacy.pt"]) {
    files.set(sample, readFileSync(join(projectRoot, "test/interop", sample)));
  }
  const array = Buffer.concat([npyHeader("float32", [100]), Buffer.alloc(400)]);
  const packed = Buffer.from(await zipOf({ "w.npy": deflateRawSync(array) }));
  const entry = packed.indexOf("PK\x01\x02");
  packed.writeUInt16LE(8, entry + 10);
  packed.writeUInt32LE(crc32(array), entry + 16);
  packed.writeUInt32LE(array.length, entry + 24);
  files.set("packed npz", packed);
  files.set("zip64 npz", Buffer.from(await zipOf({ "v.npy": array, "w.npy": array }, 1)));
  return files;
}

it("is read or refused with a sentence, 5,000 times", async () => {
  const files = await originals();
  const path = join(folder, "file");
  const outcomes = { read: 0, refused: 0 };
  for (const bytes of files.values()) expect((await readTensors(path, bytes)).size).toBeGreaterThan(0);
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...files.keys()),
      fc.constantFrom(...files.keys()),
      fc.array(anyDamage, { minLength: 1, maxLength: 3 }),
      async (name, other, damages) => {
        const bytes = damages.reduce((file, damage) => damage(file, files.get(other)!), files.get(name)!);
        writeFileSync(path, bytes);
        try {
          const found = await readTensors(path);
          let size = 0;
          for (const { data } of found.values()) size += data.byteLength;
          expect(size).toBeLessThan(2 ** 21); // a repeated element may make a megabyte
          outcomes.read++;
        } catch (error) {
          if (!(error instanceof UserError)) throw error;
          expect(error.message).toMatch(/^(Cannot read )?\S+file\b[^\n]+\.$/);
          expect(error.message.length).toBeLessThan(400 + path.length);
          outcomes.refused++;
        }
      },
    ),
    { numRuns: 5000 },
  );
  expect(outcomes.read).toBeGreaterThan(500);
  expect(outcomes.refused).toBeGreaterThan(500);
});
