import { constants } from "node:buffer";
import { closeSync, ftruncateSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readTensors, refusal, temporaryFolder, writeTensors } from "../../../test/checkpoints.ts";
import { tensor } from "../../core/index.ts";
import { openCheckpoint, writeCheckpoint } from "../index.ts";

const folder = temporaryFolder();
const path = join(folder, "x.safetensors");

/** A file of a header and `data` bytes of zero behind it. */
function file(header: unknown, data = 0): Buffer {
  const json = typeof header === "string" ? header : JSON.stringify(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(json)));
  return Buffer.concat([length, Buffer.from(json), Buffer.alloc(data)]);
}

const f32 = (shape: unknown, begin: unknown, end: unknown) => ({ dtype: "F32", shape, data_offsets: [begin, end] });

describe("a header", () => {
  it.each([
    ["{", 0, "its header is not valid JSON"],
    ["{ \xff", 0, "its header is not valid JSON"],
    [{ a: 1 }, 0, 'the header\'s entry "a" is not an object'],
    [{ a: { dtype: 5 } }, 0, "has no dtype"],
    [{ a: { dtype: "", shape: [], data_offsets: [0, 0] } }, 0, "has no dtype"],
    [{ a: { dtype: "F32" } }, 0, "has no shape"],
    [{ a: { dtype: "F32", shape: [1] } }, 4, "has no pair of offsets"],
    [{ a: f32([-1], 0, 4) }, 4, "has an invalid shape"],
    [{ a: f32([1.5], 0, 6) }, 6, "has an invalid shape"],
    [{ a: f32([2 ** 30, 2 ** 30], 0, 4) }, 4, "has an invalid shape"],
    [{ a: f32(new Array(65).fill(1), 0, 4) }, 4, "has an invalid shape"],
    [{ a: f32([2], 0, 4) }, 4, "has 4 bytes, but its shape and dtype require 8"],
    [{ a: f32([1], 4, 0) }, 4, "has -4 bytes"],
    [{ a: f32([1], 0, "4") }, 4, "has no pair of offsets"],
    [{ a: f32([1], -4, 0) }, 4, "has no pair of offsets"],
    [{ a: f32([1], 0, 4), b: f32([1], 0, 4) }, 4, 'the tensor "b" overlaps another one'],
    [{ a: f32([1], 4, 8) }, 8, '4 bytes before the tensor "a" belong to no tensor'],
    [{ a: f32([1], 0, 4) }, 5, "1 bytes at its end belong to no tensor"],
    [{ __metadata__: [], a: f32([1], 0, 4) }, 4, "its __metadata__ is not an object"],
    [{ __metadata__: { n: 1 } }, 0, "its __metadata__ contains values that are not strings"],
  ])("%j with %i bytes is damaged", async (header, data, fault) => {
    const sentence = await refusal(path, file(header, data));
    expect(sentence).toMatch(/^x\.safetensors is damaged: .*\. Copy the file again, or save it again\.$/);
    expect(sentence).toContain(fault);
  });

  it("says how much is missing of a truncated file", async () => {
    expect(await refusal(path, file({ a: f32([256], 0, 1024) }, 900))).toBe(
      "x.safetensors is truncated: its header needs 1,091 bytes, but only 967 are present. Copy the file again.",
    );
    const lying = file({});
    lying.writeBigUInt64LE(2n ** 55n);
    expect(await refusal(path, lying)).toMatch(
      "is truncated: its header needs 36,028,797,018,963,976 bytes, but only 10 are present",
    );
  });

  it("refuses floats of eight bits and unknown dtypes", async () => {
    const of = (dtype: string) => file({ w: { dtype, shape: [1], data_offsets: [0, 1] } }, 1);
    expect(await refusal(path, of("F8_E4M3"))).toBe(
      'x.safetensors stores "w" as F8_E4M3 (floats of eight bits or fewer), which layerwise does not read. Convert the checkpoint to F16, BF16 or F32 first.',
    );
    expect(await refusal(path, of("C32"))).toMatch('stores "w" as "C32", which layerwise does not read');
  });

  it.each(["l.weight_scale", "l.scale_weight", "l.weight_scale_inv", "l.scale"])(
    "says that floats of eight bits need their scale, %s",
    async (scale) => {
      const eight = (begin: number, end: number) => ({
        dtype: "F8_E4M3",
        shape: [end - begin],
        data_offsets: [begin, end],
      });
      const entries = { scaled_fp8: eight(0, 0), "l.weight": eight(4, 6), [scale]: f32([1], 0, 4) };
      expect(await refusal(path, file(entries, 6))).toBe(
        `x.safetensors stores "scaled_fp8" as F8_E4M3 (floats of eight bits or fewer), which layerwise does not read. Convert the checkpoint to F16, BF16 or F32 first: multiply each weight by its scale (here "${scale}"), then remove the scale.`,
      );
      const other = { "l.weight": eight(4, 6), [`other.${scale}`]: f32([1], 0, 4) };
      expect(await refusal(path, file(other, 6))).toMatch(/Convert the checkpoint to F16, BF16 or F32 first\.$/);
    },
  );

  it("reads complex numbers as pairs of floats, and writes them back as they were", async () => {
    const pairs = Buffer.from(Float32Array.of(1, -2, 3, 4).buffer);
    const header = file({ w: { dtype: "C64", shape: [2], data_offsets: [0, 16] } });
    writeFileSync(path, Buffer.concat([header, pairs]));
    const found = await openCheckpoint(path);
    expect([...found.tensors.values()]).toEqual([{ name: "w", dtype: "float32", shape: [2, 2], complex: true }]);
    const copy = join(folder, "copy.safetensors");
    await writeCheckpoint(copy, "safetensors", found.tensors.values(), found.read);
    await found.close();
    expect(readFileSync(copy).includes('"dtype":"C64","shape":[2]')).toBe(true);
    expect([...(await readTensors(copy)).get("w")!.data]).toEqual([1, -2, 3, 4]);
  });

  it("may be padded, empty, and name tensors __proto__", async () => {
    expect(await readTensors(path, file("{}      "))).toEqual(new Map());
    const json = '{"__proto__":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}';
    expect([...(await readTensors(path, file(json, 4))).keys()]).toEqual(["__proto__"]);
    // 123 is "{" as the first byte of the length
    expect((await readTensors(path, file("{}".padEnd(123)))).size).toBe(0);
  });

  it("may say which names are one tensor; what says something else is left alone", async () => {
    const entries = { x: f32([1], 0, 4), y: f32([1], 4, 8), z: f32([2], 8, 16) };
    const tiedOf = async (tied: string) => {
      writeFileSync(path, file({ __metadata__: { tied }, ...entries }, 16));
      const checkpoint = await openCheckpoint(path);
      await checkpoint.close();
      return checkpoint.tied;
    };
    expect(await tiedOf('[["x","y"]]')).toEqual([["x", "y"]]);
    for (const other of ["yes", "[]]", '[["x"]]', '[["x","z"]]', '[["x","none"]]', '["x"]', "{}", '[["none","nor"]]'])
      expect(await tiedOf(other), other).toBeUndefined();
  });

  it("survives nesting without end", async () => {
    for (const open of ["[", '{"a":'])
      expect(await refusal(path, file(`{"a":${open.repeat(1e6)}`))).toMatch("not valid JSON");
  });
});

describe("shards", () => {
  const index = join(folder, "model.safetensors.index.json");
  const write = (weights: unknown) =>
    writeFileSync(index, JSON.stringify({ metadata: { total_size: 8 }, weight_map: weights }));

  it("are opened together, in the index's order", async () => {
    await writeTensors(
      join(folder, "1.safetensors"),
      "safetensors",
      new Map([["module.a", tensor("float32", [1], [1])]]),
    );
    await writeTensors(
      join(folder, "2.safetensors"),
      "safetensors",
      new Map([["module.b", tensor("float32", [1], [2])]]),
      {
        format: "pt",
      },
    );
    write({ "module.b": "2.safetensors", "module.a": "1.safetensors" });
    const checkpoint = await openCheckpoint(index);
    expect([checkpoint.format, checkpoint.metadata, [...checkpoint.tensors.keys()]]).toEqual([
      "safetensors",
      { format: "pt" },
      ["b", "a"],
    ]);
    expect([...(await checkpoint.read("b")).data]).toEqual([2]);
    await expect(checkpoint.read("c")).rejects.toThrow('index.json has no tensor "c"');
    await checkpoint.close();
  });

  it("may be PyTorch's files, but no further index", async () => {
    await writeTensors(join(folder, "1.bin"), "torch", new Map([["a", tensor("float32", [1], [1])]]));
    write({ a: "1.bin" });
    expect([...(await readTensors(index)).values()].map(({ data }) => [...data])).toEqual([[1]]);
    write({ a: "model.safetensors.index.json" });
    expect(await refusal(index)).toMatch("is not in a format that layerwise reads");
  });

  it("must exist in the index's folder and contain what the index says", async () => {
    write({ "module.a": "3.safetensors" });
    expect(await refusal(index)).toMatch(
      "3.safetensors does not exist, but model.safetensors.index.json stores tensors in it. Copy it into the folder",
    );
    write({ "module.b": "1.safetensors" });
    expect(await refusal(index)).toMatch(
      'maps "module.b" to 1.safetensors, but 1.safetensors does not contain it. Copy both files again.',
    );
    for (const name of ["../x", "/etc/passwd", "..", "a\\b", "", 5]) {
      write({ a: name });
      expect(await refusal(index)).toMatch('it maps "a" to something that is not a file in the same folder');
    }
    writeFileSync(index, '{"a": 1}');
    expect(await refusal(index)).toMatch("is JSON without a weight_map");
    writeFileSync(index, '{"a": ');
    expect(await refusal(index)).toMatch("not valid JSON");
  });
});

it("reads a small tensor of a 3 GB file in little time and memory", async () => {
  const big = join(folder, "big.safetensors");
  const giant = 3e9;
  const bytes = file({ small: f32([2], giant, giant + 8), giant: f32([giant / 4], 0, giant) });
  const handle = openSync(big, "w");
  writeSync(handle, bytes);
  ftruncateSync(handle, bytes.length + giant + 8);
  writeSync(handle, Buffer.from(Float32Array.of(1, 2).buffer), 0, 8, bytes.length + giant);
  closeSync(handle);
  const before = process.memoryUsage().rss;
  const start = performance.now();
  const checkpoint = await openCheckpoint(big);
  expect([...(await checkpoint.read("small")).data]).toEqual([1, 2]);
  await checkpoint.close();
  expect(performance.now() - start).toBeLessThan(2000);
  expect(process.memoryUsage().rss - before).toBeLessThan(64e6);
});

// from Node 22 on, no length is too large as such
it.skipIf(constants.MAX_LENGTH > 2 ** 33)("says so when a tensor is too large for memory in one piece", async () => {
  const handle = openSync(path, "w");
  const size = 2 ** 33;
  const bytes = file({ giant: { dtype: "U8", shape: [size], data_offsets: [0, size] } });
  writeSync(handle, bytes);
  ftruncateSync(handle, bytes.length + size);
  closeSync(handle);
  expect(await refusal(path)).toMatch(
    "contains a tensor of 8,589,934,592 bytes, more than this machine can allocate at once",
  );
});
