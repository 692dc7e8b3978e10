// Merging in chunks gives what merging whole tensors gives, in every format, for tensors of many chunks.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readTensors, temporaryFolder, writeTensors } from "../../test/checkpoints.ts";
import { average, bytesOf, type DType, fromNumbers, sha256, type Tensor, tensor } from "../core/index.ts";
import { merge } from "./merge.ts";

const folder = temporaryFolder();
const length = 2 ** 19 + 77; // two chunks and a rest

const numbers = (dtype: DType, seed: number): Tensor =>
  fromNumbers(
    dtype,
    [length],
    Float64Array.from({ length }, (_, i) => Math.sin(i * seed)),
  );

const end = (seed: number, dtypes: readonly DType[]) =>
  new Map<string, Tensor>([
    ...dtypes.map((dtype, i): [string, Tensor] => [`part${i}.weight`, numbers(dtype, seed + i)]),
    ["part0.empty", tensor("float32", [0, 3])],
    ["empty.weight", tensor("float32", [0, 3])],
    ["kept.weight", numbers("float32", seed + 9)],
    ["kept.counter", tensor("int64", [], [seed > 1 ? 2 : 1])],
  ]);

it.each(["safetensors", "torch", "npz"] as const)("%s: every dtype, either base, any weight", async (format) => {
  const dtypes: DType[] = ["float32", "float64", "float16", "bfloat16"];
  const [x, y] = [end(0.7, dtypes), end(1.3, [...dtypes].reverse())]; // b has other dtypes
  const [a, b] = ["a", "b"].map((name) => join(folder, `${name}.${format}`));
  await writeTensors(a, format, x);
  await writeTensors(b, format, y);
  const out = join(folder, `out-${format}`);
  for (const [base, alpha] of [
    ["a", 0.5],
    ["b", 0.3],
  ] as const) {
    const record = await merge({ a, b, out, base, alpha, layers: ["part*"] });
    const found = await readTensors(out);
    for (const [name, own] of x) {
      const share = name.startsWith("part") ? alpha : Number(base === "b");
      const wanted =
        name === "kept.counter" ? (base === "b" ? y : x).get(name)! : average(own, y.get(name)!, share, own.dtype);
      expect(Buffer.compare(bytesOf(found.get(name)!), bytesOf(wanted)), name).toBe(0);
    }
    expect(record.out.sha256).toBe(sha256(readFileSync(out)));
    expect(record.b.sha256).toBe(sha256(readFileSync(b)));
  }
});

it("finds a weight that is not finite in any chunk, kept or averaged, and leaves nothing behind", async () => {
  const fine = new Map([
    ["w", numbers("float32", 1)],
    ["v", numbers("float16", 2)],
  ]);
  const [a, b] = [join(folder, "fine.pt"), join(folder, "bad.pt")];
  await writeTensors(a, "torch", fine);
  const bad = new Map(
    [...fine].map(([name, t]): [string, Tensor] => [name, { ...t, data: t.data.slice() as Tensor["data"] }]),
  );
  (bad.get("v")!.data as Uint16Array)[length - 1] = 0x7c00;
  await writeTensors(b, "torch", bad);
  const before = readdirSync(folder);
  const out = join(folder, "never.pt");
  await expect(merge({ a, b, out })).rejects.toThrow(`${b} contains NaN or infinite weights in v.`);
  await expect(merge({ a: b, b: a, out, layers: ["w"] })).rejects.toThrow(
    `${b} contains NaN or infinite weights in v. The merged file would keep them. Swap the two files, or allow such weights with --allow-nonfinite.`,
  );
  expect(readdirSync(folder)).toEqual(before);
  await merge({ a, b, out, allowNonfinite: true });
  expect(existsSync(out)).toBe(true);
});
