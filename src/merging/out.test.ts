// Ends in several files: none is ever overwritten, and all are hashed.
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { temporaryFolder, writeTensors } from "../../test/checkpoints.ts";
import { type Format, openCheckpoint } from "../checkpoints/index.ts";
import { sha256, sha256File, tensor } from "../core/index.ts";
import { merge } from "./merge.ts";

const folder = temporaryFolder();

/** An index with two shards in a folder of its own, of one value; gives the index's path. */
async function writeShards(name: string, value: number, format: Exclude<Format, "onnx"> = "safetensors") {
  mkdirSync(join(folder, name));
  for (const part of ["1", "2"])
    await writeTensors(join(folder, name, part), format, new Map([[`w${part}`, tensor("float32", [1], [value])]]));
  const index = join(folder, name, "model.index.json");
  writeFileSync(index, JSON.stringify({ weight_map: { w1: "1", w2: "2" } }));
  return index;
}

it("hashes every file of an end, in their order", async () => {
  const [a, b] = [await writeShards("a", 1), await writeShards("b", 3)];
  const record = await merge({ a, b, out: join(folder, "whole.safetensors") });
  const hashes = await Promise.all(["model.index.json", "1", "2"].map((file) => sha256File(join(folder, "a", file))));
  expect(record.a.sha256).toBe(sha256(hashes.join("")));
  expect(record.b.sha256).not.toBe(record.a.sha256);
  const again = await merge({ a: record.out.path, b: record.out.path, out: join(folder, "again.safetensors") });
  expect(again.a.sha256).toBe(await sha256File(record.out.path)); // of one file its own
});

it("never overwrites a file of an end, whatever links lead there", async () => {
  const [a, b] = [await writeShards("c", 1), await writeShards("d", 3)];
  const before = readFileSync(join(folder, "c", "1"));
  symlinkSync(join(folder, "c"), join(folder, "link"));
  for (const out of [join(folder, "c", "1"), join(folder, "link", "1"), join(folder, "d", "2")])
    await expect(merge({ a, b, out })).rejects.toThrow("one of the two ends, which would be overwritten");
  symlinkSync(join(folder, "c", "1"), join(folder, "link", "3")); // an end that is itself a link
  writeFileSync(join(folder, "c", "linked.json"), JSON.stringify({ weight_map: { w1: "3", w2: "2" } }));
  const linked = join(folder, "link", "linked.json");
  for (const out of ["1", "3"])
    await expect(merge({ a: linked, b, out: join(folder, "c", out) })).rejects.toThrow("would be overwritten");
  expect(readFileSync(join(folder, "c", "1")).equals(before)).toBe(true);
});

it("asks for the ending of the format, not of the index", async () => {
  const [a, b] = [await writeShards("e", 1, "torch"), await writeShards("f", 3, "torch")];
  await expect(merge({ a, b, out: join(folder, "m.safetensors") })).rejects.toThrow("a name that ends in .pt.");
  const out = join(folder, "m.pth");
  await merge({ a, b, out });
  const merged = await openCheckpoint(out);
  expect([...(await merged.read("w2")).data]).toEqual([2]);
  await merged.close();
});

it("refuses a folder before any work, and leaves nothing next to it", async () => {
  const [a, b] = [await writeShards("g", 1), await writeShards("h", 3)];
  const out = join(folder, "g");
  let started = 0;
  await expect(merge({ a, b, out, budget: { limit: 1, metric: "loss" } }, () => started++)).rejects.toThrow(
    `${out} is a folder. Give --out the name of a file.`,
  );
  expect([started, existsSync(`${out}.merge.json`)]).toEqual([0, false]);
});
