// What a merge does with tensors that have no average, and with infinities.
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readTensors, temporaryFolder, writeNew } from "../../test/checkpoints.ts";
import { type DType, fromNumbers, type Tensor, tensor, toNumbers } from "../core/index.ts";
import { compareFiles } from "../distance/index.ts";
import { type MergeOptions, merge } from "./merge.ts";

const folder = temporaryFolder();
let files = 0;

/** The merged tensors as numbers, and the record. */
async function merged(a: string, b: string, options: Partial<MergeOptions> = {}) {
  const out = join(folder, `${files++}.out`);
  const record = await merge({ a, b, out, ...options });
  const found = await readTensors(out);
  return {
    record,
    of: (name: string) => [...toNumbers(found.get(name)!)],
    dtype: (name: string) => found.get(name)!.dtype,
  };
}

const floats = (...values: number[]) => tensor("float32", [values.length], values);

describe.each(["safetensors", "torch", "npz"] as const)("spectral norm's vectors, %s", (format) => {
  const end = (x: number) =>
    writeNew(
      {
        "fc.weight_orig": floats(x, 2),
        "fc.weight_u": floats(x, 0),
        "fc.weight_v": floats(0, x),
        "out.parametrizations.weight.original": floats(x, 1),
        "out.parametrizations.weight.0._u": floats(x),
      },
      format,
    );

  it("stay the base's, with a note", async () => {
    const [a, b] = [await end(1), await end(-1)];
    for (const [base, x] of [
      ["a", 1],
      ["b", -1],
    ] as const) {
      const { of, record } = await merged(a, b, { base });
      expect(of("fc.weight_orig")).toEqual([0, 2]);
      expect([of("fc.weight_u"), of("fc.weight_v"), of("out.parametrizations.weight.0._u")]).toEqual([
        [x, 0],
        [0, x],
        [x],
      ]);
      expect(record.notes).toEqual([
        `Power-iteration vectors of spectral norm are not averaged: fc.weight_u, fc.weight_v, out.parametrizations.weight.0._u; they come from ${base === "a" ? a : b}.`,
      ]);
      expect(record.parameters).toEqual({ averaged: 4, all: 4 });
    }
  });

  it("go with their weights where those are an end's own", async () => {
    const [a, b] = [await end(1), await end(-1)];
    const { of, record } = await merged(a, b, { alpha: 1 });
    expect([of("fc.weight_orig"), of("fc.weight_u"), of("out.parametrizations.weight.0._u")]).toEqual([
      [-1, 2],
      [-1, 0],
      [-1],
    ]);
    expect(record.notes).toBeUndefined();
    const some = await merged(a, b, { layers: ["fc"], base: "b" });
    expect([some.of("fc.weight_u"), some.of("out.parametrizations.weight.original")]).toEqual([
      [-1, 0],
      [-1, 1],
    ]);
  });
});

it("buffers that training updates stay the base's and have no distance, with a note", async () => {
  const end = (x: number) =>
    writeNew(
      {
        "module.encoder_q.weight": floats(x, 2),
        "module.queue": floats(x, 0),
        "module.queue_ptr": tensor("int64", [1], [x]),
        "module.vq._embedding.weight": floats(x),
        "module.vq._ema_w": floats(1000 * x),
        "module.vq._ema_cluster_size": floats(500 + x),
        "module.dino_loss.center": floats(x, 1),
      },
      "torch",
    );
  const [a, b] = [await end(1), await end(3)];
  const names = "queue, vq._ema_w, vq._ema_cluster_size and 1 more";
  const { layers, distance, notes } = await compareFiles(a, b);
  expect([layers.map(({ name }) => name), distance.full.euclidean]).toEqual([
    ["encoder_q", "vq._embedding"],
    Math.sqrt(8),
  ]);
  const note = `Queues, centres and sums that training updates are not averaged: ${names};`;
  expect(notes).toEqual([`${note} the distances exclude them.`]);
  for (const [base, x] of [
    ["a", 1],
    ["b", 3],
  ] as const) {
    const { of, record } = await merged(a, b, { base });
    expect(["encoder_q.weight", "vq._embedding.weight"].map(of)).toEqual([[2, 2], [2]]);
    expect(["queue", "queue_ptr", "vq._ema_w", "vq._ema_cluster_size", "dino_loss.center"].map(of)).toEqual([
      [x, 0],
      [x],
      [1000 * x],
      [500 + x],
      [x, 1],
    ]);
    expect(record.notes).toEqual([`${note} they come from ${base === "a" ? a : b}.`]);
  }
});

it("indices that an earlier merge broke come from the file in which they are whole", async () => {
  const end = (x: number, ids: Tensor) => writeNew({ "fc.weight": floats(x), position_ids: ids });
  const whole = await end(0, tensor("int64", [1, 3], [0, 41, 2]));
  const broken = await end(1, tensor("float32", [1, 3], [0, 40.99, 2]));
  const half = await end(1, fromNumbers("float16", [1, 3], [0, 41, 2]));
  const note = (file: string) => [`Indices are not averaged: position_ids; they come from ${file}.`];
  for (const base of ["a", "b"] as const) {
    for (const [a, b] of [
      [whole, broken],
      [broken, whole],
    ]) {
      const { of, dtype, record } = await merged(a, b, { base });
      expect(of("position_ids")).toEqual(a === whole ? [0, 41, 2] : [...Float32Array.of(0, 41, 2)]);
      expect(dtype("position_ids")).toBe(a === whole ? "int64" : "float32"); // the file is a's
      expect(record.notes).toEqual(note(whole));
    }
    expect((await merged(broken, half, { base })).record.notes).toEqual(note(half));
    const equal = await merged(whole, half, { base });
    expect(equal.of("position_ids")).toEqual([0, 41, 2]);
    expect(equal.record.notes).toBeUndefined();
  }
});

it("counters are the base's, in a's dtype; masks too, with a note; quantised weights are refused", async () => {
  const end = (x: number, counter: Tensor) =>
    writeNew({ "bn.weight": floats(x), "bn.num_batches_tracked": counter, "bn.mask": tensor("bool", [2], [x, 1]) });
  const a = await end(0, tensor("int64", [], [7]));
  const b = await end(1, tensor("float32", [], [9]));
  const { of, dtype, record } = await merged(a, b, { base: "b" });
  expect([of("bn.num_batches_tracked"), dtype("bn.num_batches_tracked"), of("bn.mask")]).toEqual([
    [9],
    "int64",
    [1, 1],
  ]);
  expect(record.notes).toEqual([`Masks are not averaged: bn.mask; they come from ${b}.`]);
  const quantised = (x: number, scale: string) =>
    writeNew({ "l.codes": tensor("int64", [2], [x, 1]), [`l.${scale}`]: floats(x), "l.other": floats(x) });
  for (const scale of ["scales", "absmax", "zero_point"])
    await expect(merged(await quantised(0, scale), await quantised(1, scale))).rejects.toThrow(
      "If they are quantised, give the float models.",
    );
});

it("says that the average of LoRA's factors is not that of the adapters", async () => {
  const end = (x: number, [down, up]: readonly [string, string]) =>
    writeNew({ [down]: floats(x, 1), [up]: floats(x + 1, 1), "norm.weight": floats(x, 1) });
  for (const names of [
    ["q.lora_A.weight", "q.lora_B.weight"],
    ["q.lora_A.default.weight", "q.lora_B.default.weight"],
    ["unet_q.lora_down.weight", "unet_q.lora_up.weight"],
    ["layers.0.q_proj.lora_a", "layers.0.q_proj.lora_b"],
    ["q.lora.down.weight", "q.lora.up.weight"],
    ["attn1.processor.to_q_lora.down.weight", "attn1.processor.to_q_lora.up.weight"],
    ["attn.processor.qkv_lora1.down.weight", "attn.processor.qkv_lora1.up.weight"],
    ["q.hada_w1_a", "q.hada_w1_b"],
    ["q.lokr_w1", "q.lokr_w2"],
    ["q.lokr_w1", "q.lokr_w2_a"],
    ["q.lokr_w1_a", "q.lokr_w2"],
    ["q.lokr_w1_a.default", "q.lokr_w2_a.default"],
    ["q.vera_lambda_b", "q.vera_lambda_d"],
    ["qkv.adapter.linear_in.weight", "qkv.adapter.linear_out.weight"],
  ] as const) {
    const { record } = await merged(await end(0, names), await end(1, names));
    expect(record.notes).toHaveLength(1);
    expect(record.notes![0]).toContain(`The average of an adapter's factors (${names[0]} and ${names[1]}) is not`);
  }
  const names = ["q.lora_A.weight", "q.lora_B.weight"] as const;
  expect((await merged(await end(0, names), await end(1, names), { layers: ["norm"] })).record.notes).toBeUndefined();
  expect(
    (await merged(await end(0, names), await end(1, names), { layers: ["q.lora_A"] })).record.notes,
  ).toBeUndefined();
});

it("passes infinities that both files have at one place, and refuses all others", async () => {
  const element = fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: -9, max: 9 }) },
    { weight: 1, arbitrary: fc.constantFrom(Infinity, -Infinity, Number.NaN) },
  );
  const pair = fc.oneof(
    { weight: 3, arbitrary: element.map((x) => [x, x] as const) },
    { weight: 1, arbitrary: fc.tuple(element, element) },
  );
  const dtypes = fc.constantFrom<DType>("float32", "float64", "float16", "bfloat16");
  await fc.assert(
    fc.asyncProperty(
      fc.array(pair, { minLength: 1, maxLength: 6 }),
      dtypes,
      dtypes,
      fc.constantFrom(0.5, 0.25, 1.5, 1),
      fc.boolean(),
      async (pairs, one, other, alpha, isKept) => {
        const end = (i: 0 | 1, dtype: DType) =>
          writeNew({
            "fc.weight": fromNumbers(
              dtype,
              [pairs.length],
              pairs.map((p) => p[i]),
            ),
            "out.weight": floats(i, 1),
          });
        const [a, b] = [await end(0, one), await end(1, other)];
        const isBroken = (i: 0 | 1) => pairs.some((p) => p[0] !== p[1] && !Number.isFinite(p[i]));
        const merging = merged(a, b, { alpha, ...(isKept ? { layers: ["out"] } : {}) });
        if (isBroken(0) || (isBroken(1) && !isKept))
          await expect(merging).rejects.toThrow(
            `${isBroken(0) ? a : b} contains NaN or infinite weights in fc.weight.`,
          );
        else {
          const mixed = pairs.map(([x, y]) =>
            isKept || (x === y && !Number.isFinite(x)) ? x : (1 - alpha) * x + alpha * y,
          );
          expect((await merging).of("fc.weight")).toEqual([...toNumbers(fromNumbers(one, [pairs.length], mixed))]);
        }
      },
    ),
    { numRuns: 60 },
  );
});

describe("integer tables that differ", () => {
  const end = (x: number) =>
    writeNew(
      {
        "g_a.weight": floats(x, 2),
        "entropy.matrix": floats(x),
        "entropy._cdf": tensor("int32", [2], [0, x]),
        "tables.offset": tensor("int32", [2], [x, 0]),
      },
      "torch",
    );

  it("stop a merge only of their own layers", async () => {
    const [a, b] = [await end(1), await end(3)];
    for (const options of [{}, { alpha: 0.25 }, { layers: ["**"] }, { layers: ["g_a=0.5", "entropy", "tables"] }])
      await expect(merged(a, b, options)).rejects.toThrow(/differ \(entropy._cdf, tables.offset\)/);
    await expect(merged(a, b, { layers: ["entropy"] })).rejects.toThrow(
      "differ (entropy._cdf), which cannot be averaged. If they are quantised, give the float models. Otherwise exclude their layers with --layers.",
    );
    const names = ["g_a.weight", "entropy.matrix", "entropy._cdf", "tables.offset"];
    const valuesOf = async (options: Partial<MergeOptions>) => {
      const { of } = await merged(a, b, options);
      return names.flatMap(of);
    };
    expect(await valuesOf({ layers: ["g_a"] })).toEqual([2, 2, 1, 0, 1, 1, 0]);
    expect(await valuesOf({ layers: ["g_a"], base: "b" })).toEqual([2, 2, 3, 0, 3, 3, 0]);
    expect(await valuesOf({ layers: ["g_a=0.5", "entropy=1"] })).toEqual([2, 2, 3, 0, 3, 1, 0]);
    expect(await valuesOf({ alpha: 0 })).toEqual([1, 2, 1, 0, 1, 1, 0]);
    expect(await valuesOf({ alpha: 1 })).toEqual([3, 2, 3, 0, 3, 3, 0]);
  });
});
