import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { openData } from "./index.ts";

const dir = mkdtempSync(join(tmpdir(), "layerwise-text-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
mkdirSync(join(dir, "shakespeare"));

const open = (text: string, samples?: number) => {
  writeFileSync(join(dir, "shakespeare/input.txt"), text);
  return openData("shakespeare", { dir, context: 8, samples });
};

it("windows of some samples stay within them, and the hash covers only these samples", async () => {
  const text = "abcdefghij".repeat(20); // 160 of these 200 characters are the train split
  const some = await open(text, 3);
  expect([some.count, some.positions]).toEqual([3, 17]);
  const { inputs, labels } = some.windows!([16]);
  expect(inputs.input.data).toEqual(some.batch([2]).inputs.input.data);
  expect(labels.data.at(-1)).toBe(some.batch([0]).inputs.input.data[4]); // character 24 is character 4 again
  expect((await open(`${text.slice(0, 150)}!${text.slice(151)}`, 3)).sha256).toBe(some.sha256);
  expect((await open(`${text.slice(0, 24)}!${text.slice(25)}`, 3)).sha256).not.toBe(some.sha256);
});

it("windows of all samples reach the end of the split, and the hash covers it", async () => {
  const text = "abcdefghij".repeat(20);
  const all = await open(text);
  expect([all.count, all.positions]).toEqual([19, 152]);
  expect(() => all.windows!([151])).not.toThrow();
  expect((await open(`${text.slice(0, 159)}!${text.slice(160)}`)).sha256).not.toBe(all.sha256);
});
