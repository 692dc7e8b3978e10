import { closeSync, ftruncateSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { expect, it } from "vitest";
import { readTensors, refusal, temporaryFolder, zipOf } from "../../../test/checkpoints.ts";
import { openCheckpoint } from "../index.ts";
import { npyHeader } from "../npz/npy.ts";
import { openSource } from "../source.ts";
import { openZip } from "./zip.ts";

const folder = temporaryFolder();
const path = join(folder, "x.npz");

const array = Buffer.concat([npyHeader("uint8", [4]), Buffer.of(1, 2, 3, 4)]);
const archive = () => zipOf({ "first.npy": array, "wéight.npy": array });

/** The archive with one number changed, found at `offset` behind the last `signature`. */
async function changed(signature: number, offset: number, width: 2 | 4, value: number): Promise<Buffer> {
  const bytes = Buffer.from(await archive());
  const mark = Buffer.alloc(4);
  mark.writeUInt32LE(signature);
  bytes.writeUIntLE(value, bytes.lastIndexOf(mark) + offset, width);
  return bytes;
}

const local = 0x04034b50;
const entry = 0x02014b50;
const end = 0x06054b50;

it("aligns members to 64 bytes and lists them in order", async () => {
  writeFileSync(path, await archive());
  const source = await openSource(path);
  const zip = await openZip(source);
  expect([...zip.entries.keys()]).toEqual(["first.npy", "wéight.npy"]);
  for (const member of zip.entries.values()) {
    expect(Buffer.from(await zip.readWhole(member)).equals(array)).toBe(true);
    expect([...(await zip.readRange(member, array.length - 2, 2))]).toEqual([3, 4]);
  }
  const bytes = Buffer.from(await archive());
  expect([bytes.indexOf(array) % 64, bytes.lastIndexOf(array) % 64]).toEqual([0, 0]);
  await source.close();
});

it.each([
  ["is encrypted. Save it without a password.", entry, 8, 2, 1],
  ['compresses "wéight.npy" with method 14', entry, 10, 2, 14],
  ['the checksum of its member "wéight.npy" does not match', entry, 16, 4, 1],
  ["overlaps the directory", entry, 20, 4, 1e6],
  ['its member "wéight.npy" claims 1000000 bytes, but only 132 are stored', entry, 24, 4, 1e6],
  ["has no zip64 sizes", entry, 24, 4, 0xffffffff],
  ["its directory is invalid", entry, 28, 2, 60000],
  ["its directory is invalid", entry, 0, 4, 7],
  ["overlaps the directory", entry, 42, 4, 1e6],
  ['its member "wéight.npy" is not at its recorded position', entry, 42, 4, 5],
  ["is not at its recorded position", local, 0, 4, 7],
  ['is truncated: its member "wéight.npy" needs', local, 28, 2, 60000],
  ["is truncated: its directory needs", end, 12, 4, 1e6],
  ["is truncated: its directory needs", end, 16, 4, 1e6],
  ["its directory is invalid", end, 16, 4, 0],
] as const)("reports: %s", async (sentence, signature, offset, width, value) => {
  expect(await refusal(path, await changed(signature, offset, width, value))).toContain(sentence);
});

it("refuses two members with the same name", async () => {
  const bytes = Buffer.from(await zipOf({ "a.npy": array, "b.npy": array }));
  bytes.write("a", bytes.lastIndexOf("b.npy"));
  expect(await refusal(path, bytes)).toContain('it contains two members named "a.npy"');
});

it("finds the end despite a comment after it", async () => {
  const bytes = Buffer.concat([await archive(), Buffer.from("a note")]);
  bytes.writeUInt16LE(6, bytes.length - 8);
  expect((await readTensors(path, bytes)).size).toBe(2);
});

it("reads and writes zip64, where every size and offset is in the wide fields", async () => {
  const bytes = Buffer.from(await zipOf({ "first.npy": array, "second.npy": array }, 1));
  expect(bytes.readUInt32LE(bytes.length - 6)).toBe(0xffffffff);
  expect([...(await readTensors(path, bytes)).values()].map(({ data }) => [...data])).toEqual([
    [1, 2, 3, 4],
    [1, 2, 3, 4],
  ]);
  bytes.writeUInt8(0, bytes.lastIndexOf("PK\x06\x06"));
  expect(await refusal(path, bytes)).toContain("its zip64 directory record is missing");
});

it("reads a member beyond 4 GiB", async () => {
  const gap = 5 * 2 ** 30; // a hole in the file: it takes no room on the disk
  const bytes = Buffer.from(await zipOf({ first: "", "a.npy": array }, 1));
  const directory = bytes.lastIndexOf("PK\x01\x02");
  for (const [signature, offset] of [
    ["PK\x01\x02", 46 + "a.npy".length + 4 + 16], // the member's place, in its wide field
    ["PK\x06\x06", 48], // the directory's place
    ["PK\x06\x07", 8], // that of the directory's record
  ] as const) {
    const at = bytes.indexOf(signature, directory) + offset;
    bytes.writeBigUInt64LE(bytes.readBigUInt64LE(at) + BigInt(gap), at);
  }
  const handle = openSync(path, "w");
  writeSync(handle, Buffer.from("PK\x03\x04", "latin1"));
  ftruncateSync(handle, gap);
  writeSync(handle, bytes, 0, bytes.length, gap);
  closeSync(handle);
  const checkpoint = await openCheckpoint(path);
  expect([...(await checkpoint.read("a")).data]).toEqual([1, 2, 3, 4]);
  await checkpoint.close();
});

/** An archive of one deflated member; `size` is what the directory claims. */
async function deflated(content: Buffer, size = content.length, spoil = (packed: Buffer) => packed): Promise<Buffer> {
  const packed = spoil(deflateRawSync(content));
  const bytes = Buffer.from(await zipOf({ "w.npy": packed }));
  const at = bytes.indexOf("PK\x01\x02");
  bytes.writeUInt16LE(8, at + 10);
  bytes.writeUInt32LE(size, at + 24);
  return bytes;
}

it("never decompresses to more than was claimed, nor believes a claim that deflate cannot fulfil", async () => {
  const zeros = Buffer.concat([npyHeader("uint8", [1e7]), Buffer.alloc(1e7)]);
  expect(await refusal(path, await deflated(zeros))).toContain("checksum"); // the checksum is the packed bytes'
  expect(await refusal(path, await deflated(zeros, 2 ** 31))).toContain("claims 2147483648 bytes, but only");
  const bomb = Buffer.concat([npyHeader("uint8", [1000]), Buffer.alloc(1e7)]);
  expect(await refusal(path, await deflated(bomb, 1128))).toContain(
    "decompresses to more than the 1128 bytes it claims",
  );
  const short = Buffer.concat([npyHeader("uint8", [2000]), Buffer.alloc(1000)]);
  expect(await refusal(path, await deflated(short, 2128))).toContain("decompresses to 1128 bytes, but claims 2128");
  const cut = await deflated(zeros, undefined, (packed) => packed.subarray(0, 9000));
  expect(await refusal(path, cut)).toMatch(/claims 10000128 bytes|cannot be decompressed/);
  const garbled = await deflated(zeros, undefined, (packed) => packed.fill(0xff, 500));
  expect(await refusal(path, garbled)).toContain("cannot be decompressed");
});
