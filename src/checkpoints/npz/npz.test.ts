import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readTensors, refusal, temporaryFolder, zipOf } from "../../../test/checkpoints.ts";
import { bytesOf, type Tensor } from "../../core/index.ts";
import { openCheckpoint, rewriteCheckpoint } from "../index.ts";

const folder = temporaryFolder();
const path = join(folder, "x.npz");

/** A .npy of any header text. */
function npy(header: string, data: Uint8Array = new Uint8Array(0), version = 1): Buffer {
  const text = Buffer.from(header, "latin1");
  const length = Buffer.alloc(version === 1 ? 2 : 4);
  length.writeUIntLE(text.length, 0, length.length as 2 | 4);
  return Buffer.concat([Buffer.from([0x93, ...Buffer.from("NUMPY"), version, 0]), length, text, data]);
}

async function read(header: string, data: Uint8Array, version?: number): Promise<Tensor> {
  return (await readTensors(path, await zipOf({ "w.npy": npy(header, data, version) }))).get("w")!;
}

const numbers = ({ shape, data }: Tensor) => [shape, [...data]];

it("reads big-endian elements and columns-first order", async () => {
  const rows = Uint8Array.of(0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6);
  const big = await read("{'descr': '>i2', 'fortran_order': False, 'shape': (2, 3), }", rows);
  expect(numbers(big)).toEqual([
    [2, 3],
    [1, 2, 3, 4, 5, 6],
  ]);
  const columns = await read("{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3), }", rows);
  expect(numbers(columns)).toEqual([
    [2, 3],
    [1, 3, 5, 2, 4, 6],
  ]);
});

it("reads every version, any order of the fields, Python 2's integers and headers of any length", async () => {
  const byte = Uint8Array.of(7, 8);
  for (const version of [1, 2, 3]) {
    const tensor = await read("{'shape':(2L,),'fortran_order':True,'descr':'|u1'}\n", byte, version);
    expect(numbers(tensor)).toEqual([[2], [7, 8]]);
  }
  const long = await read("{'descr': '|u1', 'fortran_order': False, 'shape': (2,)}".padEnd(5001), byte);
  expect(numbers(long)).toEqual([[2], [7, 8]]);
});

it("reads raw elements of two bytes as bfloat16", async () => {
  const tensor = await read("{'descr': '<V2', 'fortran_order': False, 'shape': (), }", Uint8Array.of(0x80, 0x3f));
  expect([tensor.dtype, ...bytesOf(tensor)]).toEqual(["bfloat16", 0x80, 0x3f]);
});

it.each([
  [
    "{'descr': '<f16', 'fortran_order': False, 'shape': (1,)}",
    "has the NumPy dtype '<f16', which layerwise does not read. Save it as float64.",
  ],
  ["{'descr': '|V1', 'fortran_order': False, 'shape': (1,)}", "type '|V1'"],
  ["{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}", "needs 73 bytes, but only 69 are present"],
  ["{'descr': '<c16', 'fortran_order': False, 'shape': ()}", "needs 80 bytes, but only 68 are present"],
  ["{'descr': '<c4', 'fortran_order': False, 'shape': (1,)}", "type '<c4'"],
  ["{'descr': '|f4', 'fortran_order': False, 'shape': (1,)}", "does not specify its byte order"],
  ["{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': True}", "has an invalid header"],
  ["{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", "has an invalid header"],
  ["{'descr': '<f4', 'shape': (1,)}", "has an invalid header"],
  ["{'descr': '<f4', 'fortran_order': exit(), 'shape': (1,)}", "has an invalid header"],
  ["nonsense", "has an invalid header"],
  ["{'descr': '<f4', 'fortran_order': False, 'shape': (1)}", "has an invalid shape"],
  ["{'descr': '<f4', 'fortran_order': False, 'shape': (,)}", "has an invalid shape"],
  ["{'descr': '<f4', 'fortran_order': False, 'shape': (1 2,)}", "has an invalid shape"],
  ["{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999999999, 2)}", "has an invalid shape"],
  [
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000,)}",
    "needs 4,000,000,074 bytes, but only 78 are present",
  ],
  ["{'descr': '|u1', 'fortran_order': False, 'shape': (1,)}", "has 3 extra bytes"],
])("refuses %s", async (header, fault) => {
  const sentence = await refusal(path, await zipOf({ "w.npy": npy(header.padEnd(54), new Uint8Array(4)) }));
  expect(sentence).toMatch(/^x\.npz .*its array "w\.npy" /);
  expect(sentence).toContain(fault);
});

const f4 = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", new Uint8Array(4));

it.each(["'|O'", "'<U3'", "'|S5'", "'<M8[ns]'", "'<m8[D]'", "[('a', '<f4'), ('b', '<i8', (2, 3))]"])(
  "ignores an array of %s next to weights, with a note, and refuses it alone",
  async (descr) => {
    const other = npy(`{'descr': ${descr}, 'fortran_order': False, 'shape': (1,)}`, new Uint8Array(30));
    writeFileSync(path, await zipOf({ "w.npy": f4, "classes.npy": other }));
    const file = await openCheckpoint(path);
    await file.close();
    expect([...file.tensors.keys()]).toEqual(["w"]);
    expect(file.leftOut).toEqual(new Map([["classes", undefined]]));
    expect(file.notes).toEqual([`${path}: left out "classes", which is not a numeric array.`]);
    expect(await refusal(path, await zipOf({ "params.npy": other }))).toBe(
      'x.npz contains no numeric arrays: "params" contains objects or strings. Save each numeric array under its name with numpy.savez("arrays.npz", **arrays).',
    );
  },
);

it("reads complex numbers as pairs of floats in any order, and writes them back as they were", async () => {
  const header = (code: string, fortran: string) =>
    `{'descr': '${code}', 'fortran_order': ${fortran}, 'shape': (2, 3), }`;
  const numbers64 = Float32Array.from({ length: 12 }, (_, i) => i);
  const rows = new Uint8Array(numbers64.buffer);
  const tensor = await read(header("<c8", "False"), rows);
  expect([tensor.dtype, ...numbers(tensor)]).toEqual(["float32", [2, 3, 2], [...numbers64]]);
  const columns = await read(header("<c8", "True"), rows);
  expect(numbers(columns)).toEqual([
    [2, 3, 2],
    [0, 1, 4, 5, 8, 9, 2, 3, 6, 7, 10, 11],
  ]);
  const big = await read(header(">c8", "False"), Buffer.from(rows).swap32());
  expect(numbers(big)).toEqual(numbers(tensor));
  writeFileSync(path, await zipOf({ "w.npy": npy(header("<c8", "False"), rows), "v.npy": f4 }));
  const file = await openCheckpoint(path);
  const copy = join(folder, "copy.npz");
  await rewriteCheckpoint(file, copy, new Set(["w"]), async () => ({ ...tensor, data: numbers64.map((x) => 2 * x) }));
  await file.close();
  const again = await openCheckpoint(copy);
  expect(again.tensors.get("w")).toEqual({ name: "w", dtype: "float32", shape: [2, 3, 2], complex: true });
  expect([...(await again.read("w")).data]).toEqual([...numbers64].map((x) => 2 * x));
  await again.close();
});

it("refuses invalid .npy members, and ignores others", async () => {
  expect(await refusal(path, await zipOf({ "w.npy": "text that is long enough" }))).toBe(
    'x.npz cannot be read: its array "w.npy" is not a .npy array. Save it again with numpy.savez.',
  );
  expect(await refusal(path, await zipOf({ "w.npy": npy("", undefined, 4) }))).toContain("unknown .npy version 4.0");
  const huge = npy("", new Uint8Array(10), 2);
  huge.writeUInt32LE(2 ** 31, 8);
  expect(await refusal(path, await zipOf({ "w.npy": huge }))).toContain("has a header of more than 65,536 bytes");
  expect(await refusal(path, await zipOf({ "w.npy": npy("".padEnd(300)).subarray(0, 200) }))).toContain("is truncated");
  const fine = npy("{'descr': '|u1', 'fortran_order': False, 'shape': (1,)}", Uint8Array.of(1));
  expect([...(await readTensors(path, await zipOf({ readme: "x", "w.npy": fine }))).keys()]).toEqual(["w"]);
});
