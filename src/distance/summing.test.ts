import { mkdtempSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { chunksOf, openCheckpoint, selectTensors, writeCheckpoint } from "../checkpoints/index.ts";
import { randomStream, type Tensor, tensor } from "../core/index.ts";
import { sumsOfPieces } from "./distance.ts";
import { startSumming } from "./summing.ts";
import { addSums, noSums, sumsOf } from "./sums.ts";

const random = randomStream(1, "sums");
const numbers = (n: number) => Float32Array.from({ length: n }, () => random.normal());

it("threads compute the same sums as the main thread, and report a truncated file", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sums-"));
  const write = async (format: "safetensors" | "npz", other: Tensor) => {
    const path = join(folder, `end.${format}`);
    const tensors = new Map([
      ["large", tensor("float32", [2_600_000], numbers(2_600_000))], // of two and a half pieces
      ["small", tensor("float32", [7], numbers(7))],
      ["other", other],
    ]);
    const infos = [...tensors].map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
    await writeCheckpoint(path, format, infos, async (name) => tensors.get(name)!);
    return openCheckpoint(path);
  };
  const a = await write("safetensors", tensor("float32", [2], [1, 2]));
  const b = await write("npz", tensor("float64", [2], [1, 2]));
  const summing = startSumming(3);
  let seen = 0;
  const count = (elements: number) => {
    seen += elements;
  };
  const here = sumsOfPieces(
    (name) => chunksOf(a, name),
    (name) => chunksOf(b, name),
  );
  for (const name of ["large", "small"])
    expect(await summing.of([a, b], [name, name], count)).toEqual(await here(name));
  expect(seen).toBe(2_600_007);
  const renamed = selectTensors(a, new Map([["other name", "small"]]));
  expect(await summing.of([renamed, b], ["other name", "small"], () => {})).toEqual(await here("small"));
  expect(summing.of([a, b], ["other", "other"], count)).toBeUndefined();
  truncateSync(a.path, 6_000_000);
  await expect(summing.of([a, b], ["large", "large"], count)).rejects.toThrow("became shorter while it was being read");
  await summing.close();
  await Promise.all([a.close(), b.close()]);
});

it("sums are those of their definition, and counters have none", () => {
  const [x, y] = [tensor("float32", [3], [1, 2, 3]), tensor("float32", [3], [0, -2, 5])];
  expect(sumsOf(x, y)).toEqual({ difference: 1 + 16 + 4, product: -4 + 15, a: 14, b: 29, whole: 0 });
  expect(addSums(sumsOf(x, y), sumsOf(x, y)).a).toBe(28);
  expect(sumsOf(tensor("int64", [1], [3]), tensor("int64", [1], [3]))).toEqual(noSums);
  expect(sumsOf(tensor("int64", [1], [3]), tensor("int64", [1], [5]))).toEqual({ ...noSums, whole: 1 });
  const [large, larger] = [2n ** 60n, 2n ** 60n + 1n].map((n) => tensor("int64", [1], [n]));
  expect(sumsOf(large, larger).whole).toBe(1);
  expect(sumsOf(tensor("int8", [2], [3, 4]), tensor("float32", [2], [3, 5]))).toEqual({ ...noSums, whole: 1 });
});
