// A merged file has a's dtypes: what b holds beyond their range is refused, and never written as an infinity unnoticed.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readTensors, temporaryFolder, writeNew } from "../../test/checkpoints.ts";
import { type DType, fromNumbers, type Tensor, toNumbers } from "../core/index.ts";
import { type MergeOptions, merge } from "./merge.ts";
import { hasOverflowed } from "./overflow.ts";

const folder = temporaryFolder();
const numbers = (dtype: DType, ...values: number[]) => fromNumbers(dtype, [values.length], values);
const end = (dtype: DType, large: number): Record<string, Tensor> => ({
  "head.weight": numbers(dtype, 1, large),
  "body.weight": numbers(dtype, large > 1 ? 3 : 1, 2),
});
const attempt = (a: string, b: string, options: Partial<MergeOptions> = {}) =>
  merge({ a, b, out: join(folder, "out"), ...options });

const wide = [
  ["float16", "bfloat16", 2 ** 18, "65504"],
  ["float16", "float32", 200000, "65504"],
  ["bfloat16", "float32", 3.4028e38, "3.38953e+38"],
  ["float32", "float64", 1e300, "3.40282e+38"],
] as const;

describe.each(["safetensors", "torch", "npz"] as const)("%s", (format) => {
  it.each(wide)("%s and %s: an average that the first cannot hold is refused", async (narrow, dtype, large, range) => {
    const a = await writeNew(end(narrow, 1), format);
    const b = await writeNew(end(dtype, large), format);
    const fault = `head.weight is ${narrow} in ${a}, but the merged weights exceed the largest ${narrow}, ${range}. Swap the two files (${b} has ${dtype})`;
    const before = readdirSync(folder);
    const refused = (options: Partial<MergeOptions>, rest = "") =>
      expect(attempt(a, b, options)).rejects.toThrow(
        `${fault}${rest}, or allow infinite weights with --allow-nonfinite.`,
      );
    await refused({ alpha: 1 }, ", and use alpha 0 instead of 1");
    await refused({ layers: ["body", "head=0.99999"] }, ", and use alpha 0.00001 instead of 0.99999");
    await refused({ base: "b", layers: ["body"] }, ", and use alpha 0 instead of 1");
    expect(readdirSync(folder)).toEqual(before);
    // what is not averaged, or small enough, is fine
    expect((await attempt(a, b, { layers: ["body"] })).notes).toBeUndefined();
    expect((await attempt(a, b, { alpha: 0 })).notes).toBeUndefined();
    expect((await attempt(b, a, { alpha: 0 })).notes).toBeUndefined();
  });
});

it("names the weight only where it would be another", async () => {
  const [a, b] = [await writeNew(end("float16", 1)), await writeNew(end("float32", 2e5))];
  await expect(attempt(a, b)).rejects.toThrow(`(${b} has float32), or allow infinite weights with --allow-nonfinite.`);
});

it("proposes another dtype or weight where the other file has the same", async () => {
  const [a, b] = [await writeNew(end("float16", 1)), await writeNew(end("float16", 60000))];
  await expect(attempt(a, b, { alpha: 2 })).rejects.toThrow(`Convert ${a} to a wider dtype first, or allow`);
  const [x, y] = [await writeNew(end("float64", 1)), await writeNew(end("float64", 1.7e308))];
  await expect(attempt(x, y, { alpha: 2 })).rejects.toThrow("Choose an alpha between 0 and 1, or allow");
});

it("writes infinities where they are allowed, with a note", async () => {
  const [a, b] = [await writeNew(end("float16", 1)), await writeNew(end("float32", 2e5))];
  const { notes } = await attempt(a, b, { allowNonfinite: true });
  expect(notes).toEqual([
    `Merged weights above the largest float16, 65504, became infinite, because ${a} stores these tensors as float16: head.weight.`,
  ]);
  const found = await readTensors(join(folder, "out"));
  expect([...toNumbers(found.get("head.weight")!)]).toEqual([1, Number.POSITIVE_INFINITY]);
});

it("passes infinities that an end has itself", () => {
  const [x, y] = [numbers("float32", 1, Number.NaN), numbers("float32", 2e5, 1)];
  expect(hasOverflowed(numbers("float16", 1, Number.NaN), [x, y])).toBe(false);
  expect(hasOverflowed(numbers("float16", Number.POSITIVE_INFINITY, 1), [x, y])).toBe(true);
});
