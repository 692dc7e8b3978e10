import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { temporaryFolder, zipOf } from "../../../test/checkpoints.ts";
import { openNpzData } from "./index.ts";

const path = join(temporaryFolder(), "d.npz");

/** A .npy of two rows. */
function npy(descr: string, data: Uint8Array): Buffer {
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (2,)}`;
  const head = [0x93, ...Buffer.from("NUMPY"), 1, 0, text.length, 0];
  return Buffer.concat([Buffer.from(head), Buffer.from(text), data]);
}

const numbers = npy("<f4", new Uint8Array(new Float32Array([1, 0]).buffer));
const objects = npy("|O", new Uint8Array(30)); // of any pickle

const port = (name: string) => ({ name, dtype: undefined, shape: ["n"] });

async function refusal(arrays: Record<string, Buffer>, ...taken: string[]): Promise<string> {
  const named = Object.entries(arrays).map(([name, bytes]) => [`${name}.npy`, bytes]);
  writeFileSync(path, await zipOf(Object.fromEntries(named)));
  const declared = taken.length ? { inputs: taken.map(port) } : undefined;
  return openNpzData(path, { declared }).then(
    () => "taken",
    (error: Error) => error.message.replace(path, "d.npz"),
  );
}

const sentence = (names: string) =>
  `d.npz: ${names} has strings or objects, but the network takes numbers. numpy stores samples of different lengths as objects: pad them to one length, and save ${names.includes(",") ? "each" : "it"} as an array of numbers.`;

it("names skipped arrays that the network needs", async () => {
  expect(await refusal({ input: objects, labels: numbers }, "input")).toBe(sentence("input"));
  expect(await refusal({ x: numbers, mask: objects, labels: numbers }, "x", "mask")).toBe(sentence("mask"));
  expect(await refusal({ x: objects, mask: objects, labels: numbers }, "x", "mask")).toBe(sentence("x, mask"));
});

it("names skipped arrays if nothing else could be an input", async () => {
  expect(await refusal({ rows: objects, labels: numbers }, "input")).toBe(sentence("rows"));
  expect(await refusal({ rows: objects, labels: numbers })).toBe(sentence("rows"));
  expect(await refusal({ rows: objects, y: numbers })).toBe(sentence("rows"));
});

it("ignores strings that are not an input, but requires numeric labels", async () => {
  expect(await refusal({ x: numbers, names: objects, labels: numbers }, "x")).toBe("taken");
  expect(await refusal({ x: numbers, labels: objects }, "x")).toContain("labels has strings or objects, but labels");
  expect(await refusal({ labels: numbers }, "x")).toContain("contains only labels");
});
