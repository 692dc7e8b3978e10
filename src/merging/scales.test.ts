// Weights of eight bits that were converted to floats without their scales: the truth is the product of both.
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readTensors, temporaryFolder, writeNew } from "../../test/checkpoints.ts";
import { type DType, fromNumbers, type Tensor, toNumbers } from "../core/index.ts";
import { compareFiles } from "../distance/index.ts";
import { merge } from "./merge.ts";

const folder = temporaryFolder();

/** Sixteen numbers that E4M3 has, times a factor. */
const eights = (seed: number, factor = 1) =>
  Array.from(
    { length: 16 },
    (_, i) => (1 + ((i * 5 + seed) % 8) / 8) * 2 ** ((i + seed) % 9) * (i % 2 ? -1 : 1) * factor,
  );
const some = (...values: readonly number[]) => fromNumbers("float32", [values.length], values);

interface Options {
  readonly scale?: string;
  readonly by?: Tensor;
  readonly dtype?: DType;
  readonly factor?: number;
  /** Numbers of elements of a weight without a scale. */
  readonly rest?: number;
  readonly format?: "safetensors" | "torch" | "npz";
}

const write = (seed: number, { scale, by, dtype = "bfloat16", factor, rest = 4, format }: Options) =>
  writeNew(
    {
      "l.weight": fromNumbers(dtype, [4, 4], eights(seed, factor)),
      ...(scale && by ? { [scale]: by } : {}),
      "norm.weight": fromNumbers("float32", [rest], Array(rest).fill(seed)),
    },
    format,
  );

const what = (names: string) => `weights that were converted from eight bits without applying their scales (${names})`;
const advice = "Dequantise both checkpoints: multiply each weight by the scale next to it, then remove the scale.";

describe("weights of eight bits without their scales", () => {
  it.each(["l.weight_scale", "l.scale_weight", "l.weight_scale_inv", "l.SCB", "l.weight.scale"])(
    "are refused where their scales differ: %s",
    async (scale) => {
      for (const format of ["safetensors", "torch", "npz"] as const) {
        const dtype = format === "npz" ? "float32" : "bfloat16";
        const end = (seed: number, by: Tensor) => write(seed, { scale, by, dtype, format });
        const [a, b] = [await end(1, some(0.01)), await end(3, some(0.02))];
        const names = `l.weight, ${scale}`;
        await expect(compareFiles(a, b)).rejects.toThrow(
          `Most of ${a} and ${b} consists of ${what(names)}, which have no distance. ${advice}`,
        );
        const out = join(folder, "m");
        await expect(merge({ a, b, out })).rejects.toThrow(
          `${a} and ${b} contain ${what(names)}, which cannot be averaged. ${advice} Otherwise exclude their layers with --layers.`,
        );
        await merge({ a, b, out, layers: ["norm"] });
        expect([...toNumbers((await readTensors(out)).get("norm.weight")!)]).toEqual([2, 2, 2, 2]);
      }
    },
  );

  it("are left out with a note where most of the files is not scaled", async () => {
    const end = (seed: number) => write(seed, { scale: "l.weight_scale", by: some(seed), rest: 100 });
    const { notes, distance } = await compareFiles(await end(1), await end(3));
    expect(distance.full.euclidean).toBe(20);
    expect(notes).toEqual([`The distances exclude ${what("l.weight, l.weight_scale")}. ${advice}`]);
  });

  it("are refused where only one file has their scale", async () => {
    const a = await write(1, { scale: "l.weight_scale", by: some(0.01) });
    const b = await write(3, { factor: 0.013 });
    for (const pair of [
      [a, b],
      [b, a],
    ])
      await expect(compareFiles(pair[0], pair[1])).rejects.toThrow(what("l.weight"));
  });

  it("are averaged where both files have the same scales; the distance has a note", async () => {
    const end = (seed: number) => write(seed, { scale: "l.weight_scale", by: some(0.01) });
    const [a, b] = [await end(1), await end(3)];
    expect((await compareFiles(a, b)).notes).toEqual([
      "The distances are of the stored values for l.weight, converted from eight bits without applying their scales, which are the same in both files.",
    ]);
    expect((await compareFiles(a, a)).notes).toBeUndefined();
    const out = join(folder, "same");
    await merge({ a, b, out });
    const mean = eights(1).map((x, i) => (x + eights(3)[i]) / 2);
    expect([...toNumbers((await readTensors(out)).get("l.weight")!)]).toEqual([
      ...toNumbers(fromNumbers("bfloat16", [16], mean)),
    ]);
  });

  it("are not weights with a scale beside them that are floats", async () => {
    // simulated quantisation: the weights already have their size
    const end = (seed: number) =>
      write(seed, { scale: "l.weight_scale", by: some(seed), dtype: "float32", factor: 0.013 });
    const { notes, layers } = await compareFiles(await end(1), await end(3));
    expect(notes).toBeUndefined();
    expect(layers.map(({ name }) => name)).toEqual(["l", "norm"]);
    // a scale of something else, and a matrix of one value
    const plain = (seed: number) => write(seed, { scale: "other.weight_scale", by: some(seed) });
    expect((await compareFiles(await plain(1), await plain(3))).notes).toBeUndefined();
    const constant = (seed: number) =>
      writeNew({ "l.weight": fromNumbers("float32", [2, 2], Array(4).fill(seed)), "l.scale": some(seed, 1) });
    expect((await compareFiles(await constant(1), await constant(2))).notes).toBeUndefined();
  });
});
