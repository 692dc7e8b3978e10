// Tied tensors: one file stores as one tensor what the other has under several names. Averaged as one, or refused.
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { oneLayer, storedNumbers, temporaryFolder, writeTensors } from "../../test/checkpoints.ts";
import { tensor } from "../core/index.ts";
import { compareFiles } from "../distance/index.ts";
import { type MergeOptions, merge } from "./merge.ts";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);

it("finds a tied tensor that safetensors files keep under other names, by their notes", async () => {
  const write = (name: string, kept: string, x: number, metadata?: Record<string, string>) =>
    writeTensors(
      at(name),
      "safetensors",
      new Map([
        ["fc.weight", tensor("float32", [1], [x])],
        [kept, tensor("float32", [2, 2], [x, x, x, x])],
      ]),
      metadata,
    );
  await write("decoder.safetensors", "decoder.weight", 1, { "shared.weight": "decoder.weight", format: "pt" });
  await write("shared.safetensors", "shared.weight", 3, { "encoder.weight": "shared.weight" });
  await write("encoder.safetensors", "encoder.weight", 5, { "shared.weight": "encoder.weight" });
  await write("bare.safetensors", "encoder.weight", 5);
  for (const [x, y, distance] of [
    ["decoder", "shared", 2],
    ["shared", "decoder", 2],
    ["shared", "encoder", 2],
    ["decoder", "encoder", 4],
  ] as const) {
    const { layers, distance: found } = await compareFiles(at(`${x}.safetensors`), at(`${y}.safetensors`));
    expect(layers.map(({ name }) => name).sort()).toEqual(["fc", x].sort());
    expect(found.layers[x].euclidean).toBe(2 * distance);
  }
  const [a, b, out] = ["decoder.safetensors", "shared.safetensors", "tied.safetensors"].map(at);
  await merge({ a, b, out });
  expect(await storedNumbers(out)).toEqual({ "fc.weight": [2], "decoder.weight": [2, 2, 2, 2] });
  await expect(compareFiles(a, at("bare.safetensors"))).rejects.toThrow("Only in");
});

describe("a head that one file holds as a copy of its embedding, and the other not at all", () => {
  const matrix = (...values: number[]) => tensor("float32", [2, 2], values);
  const embed = "model.embed.weight";
  const note = (path: string, other: string) =>
    `head.weight and ${embed} are equal in ${path}, and ${other} does not contain head.weight: they are treated as one tensor.`;

  it.each(["safetensors", "torch", "npz"] as const)("is averaged with it: %s", async (format) => {
    const [a, b, out] = ["copy-a", "copy-b", "copied"].map((name) =>
      at(`${name}.${format === "torch" ? "pt" : format}`),
    );
    const own = oneLayer(1, "model.", { [embed]: matrix(1, 2, 3, 4), "head.weight": matrix(1, 2, 3, 4) });
    await writeTensors(a, format, own);
    await writeTensors(b, format, oneLayer(3, "model.", { [embed]: matrix(3, 2, 1, 0) }));
    const { layers, distance, notes } = await compareFiles(a, b);
    expect(layers.map(({ name, size }) => [name, size])).toEqual([
      ["model.fc", 6],
      ["model.embed", 4],
    ]);
    expect(distance.layers["model.embed"].euclidean).toBeCloseTo(Math.sqrt(24));
    expect(notes).toEqual([note(a, b)]);
    const fc = { "model.fc.weight": [2, 2, 2, 2], "model.fc.bias": [2, -2] };
    const record = await merge({ a, b, out });
    expect(record.notes).toEqual([note(a, b)]);
    expect(await storedNumbers(out)).toEqual({ ...fc, [embed]: [2, 2, 2, 2], "head.weight": [2, 2, 2, 2] });
    await merge({ a: b, b: a, out });
    expect(await storedNumbers(out)).toEqual({ ...fc, [embed]: [2, 2, 2, 2] });
    await merge({ a, b, out, layers: ["model.fc"] });
    expect(await storedNumbers(out)).toEqual({ ...fc, [embed]: [1, 2, 3, 4], "head.weight": [1, 2, 3, 4] });
  });

  it("is found where only one file has a prefix", async () => {
    const [a, b, out] = ["front-a.pt", "front-b.pt", "front.pt"].map(at);
    const own = oneLayer(1, "model.", { [embed]: matrix(1, 2, 3, 4), "head.weight": matrix(1, 2, 3, 4) });
    await writeTensors(a, "torch", own);
    await writeTensors(b, "torch", oneLayer(3, "", { "embed.weight": matrix(3, 2, 1, 0) }));
    await merge({ a, b, out });
    expect(await storedNumbers(out)).toMatchObject({ [embed]: [2, 2, 2, 2], "head.weight": [2, 2, 2, 2] });
    await merge({ a: b, b: a, out });
    expect(await storedNumbers(out)).toMatchObject({ "embed.weight": [2, 2, 2, 2] });
  });

  it("is a head of its own where it differs, or has one value only", async () => {
    const [a, b] = ["own-a.pt", "own-b.pt"].map(at);
    await writeTensors(b, "torch", oneLayer(3, "model.", { [embed]: matrix(3, 2, 1, 0) }));
    for (const [values, head] of [
      [
        [1, 2, 3, 4],
        [1, 2, 3, 5],
      ],
      [
        [0, 0, 0, 0],
        [0, 0, 0, 0],
      ],
    ]) {
      const own = { [embed]: matrix(...values), "lm_head.weight": matrix(...head) };
      await writeTensors(a, "torch", oneLayer(1, "model.", own));
      const fault = `${a} has a head outside the part "model.", but ${b} has none: lm_head.weight. Give two checkpoints of one architecture, or choose only that part with --key model.`;
      await expect(merge({ a, b, out: at("x.pt") })).rejects.toThrow(fault);
      await expect(compareFiles(b, a)).rejects.toThrow(fault);
      expect((await compareFiles(a, b, { keys: { a: "model", b: "model" } })).layers).toHaveLength(2);
    }
  });
});

it("refuses to merge into one tensor what is two in the other file, and counts both", async () => {
  const tied = { tied: JSON.stringify([["embed.weight", "head.weight"]]) };
  const [a, b] = ["tied-a.safetensors", "tied-b.safetensors"].map(at);
  const pair = (x: number, y: number) =>
    new Map([
      ["embed.weight", tensor("float32", [2], [x, 1])],
      ["head.weight", tensor("float32", [2], [y, 1])],
    ]);
  await writeTensors(a, "safetensors", pair(1, 1), tied);
  await writeTensors(b, "safetensors", pair(4, 5));
  await expect(merge({ a, b, out: at("x.safetensors") })).rejects.toThrow(
    `${a} stores embed.weight and head.weight as one tensor, but they differ in ${b}, so the merged file cannot store both averages. Untie them in ${a}, or swap the two files.`,
  );
  expect((await compareFiles(a, b)).distance.full.euclidean).toBe(5);
  await merge({ a: b, b: a, out: at("apart.safetensors") });
  expect(await storedNumbers(at("apart.safetensors"))).toEqual({ "embed.weight": [2.5, 1], "head.weight": [3, 1] });
});

describe("a tensor under several names, of which b has several tensors", () => {
  const names = ["embed.weight", "norm.weight", "head.weight", "copy.weight"];
  const write = async (path: string, values: readonly number[], tied = "") => {
    const tensors = new Map(names.map((name, i) => [name, tensor("float32", [2], [values[i], 1])]));
    await writeTensors(at(path), "safetensors", tensors, tied ? { tied } : undefined);
    return at(path);
  };
  const ends = async () => {
    const tied = JSON.stringify([["copy.weight", "embed.weight", "head.weight"]]);
    return [
      await write("one.safetensors", [1, 1, 1, 1], tied),
      await write("three.safetensors", [4, 3, 5, 4]),
    ] as const;
  };
  const out = at("place.safetensors");
  const merged = async (options: Partial<MergeOptions>) => {
    const [a, b] = await ends();
    const { kept } = await merge({ a, b, out, ...options });
    return { kept, values: Object.values(await storedNumbers(out)).map(([value]) => value) };
  };

  it("is in the way only where it changes", async () => {
    expect(await merged({ layers: ["norm"] })).toEqual({ kept: ["embed", "head", "copy"], values: [1, 2, 1, 1] });
    expect(await merged({ layers: ["norm", "embed=0", "head=0"] })).toEqual({ kept: ["copy"], values: [1, 2, 1, 1] });
    expect(await merged({ alpha: 0 })).toEqual({ kept: [], values: [1, 1, 1, 1] });
  });

  it.each([
    { alpha: 1 },
    { layers: ["head"] },
    { layers: ["copy"] },
    { layers: ["**", "embed=0", "copy=0"] },
    { layers: ["norm"], base: "b" as const },
  ])("is refused for %j", async (options) => {
    await expect(merged(options)).rejects.toThrow("so the merged file cannot store both averages");
  });
});
