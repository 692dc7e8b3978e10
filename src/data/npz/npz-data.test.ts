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

it("ignores an array of a dtype that is not read, unless it is needed", async () => {
  const long = npy("<f16", new Uint8Array(32));
  const sentence = (name: string) =>
    `d.npz: ${name} has the NumPy dtype '<f16', which layerwise does not read. Save it as float64.`;
  expect(await refusal({ x: numbers, times: long, labels: numbers }, "x")).toBe("taken");
  expect(await refusal({ x: long, labels: numbers }, "x")).toBe(sentence("x"));
  expect(await refusal({ rows: long, labels: numbers })).toBe(sentence("rows"));
  expect(await refusal({ x: numbers, labels: long }, "x")).toBe(sentence("labels"));
});

it("widens bfloat16, as ml_dtypes and JAX save it", async () => {
  const half = npy("|V2", Uint8Array.of(0x80, 0x3f, 0x40, 0xc0)); // 1, -3
  expect(await refusal({ x: half, labels: numbers }, "x")).toBe("taken");
  const { inputs } = (await openNpzData(path, {})).batch([0, 1]);
  expect([inputs.x.dtype, ...inputs.x.data]).toEqual(["float32", 1, -3]);
});
