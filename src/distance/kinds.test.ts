// Kinds of two files' tensors, by name and elements, and the sums that leave out what does not differ.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { onnxBytes, temporaryFolder, writeNew } from "../../test/checkpoints.ts";
import { withCheckpoints } from "../checkpoints/index.ts";
import { type DType, fromNumbers, type Tensor, tensor } from "../core/index.ts";
import { compareFiles } from "./compare.ts";
import { kindsOfFiles, notesOfKept } from "./kinds.ts";
import { sumsOf } from "./sums.ts";

const folder = temporaryFolder();
let files = 0;

const causal = (size: number) =>
  tensor(
    "float32",
    [size, size],
    Array.from({ length: size * size }, (_, i) => (i % size > Math.floor(i / size) ? -Infinity : 0)),
  );

it.each(["safetensors", "torch", "npz"] as const)(
  "a mask is no layer, and equal infinities are no failure: %s",
  async (format) => {
    const end = (x: number) =>
      writeNew(
        {
          "fc.weight": tensor("float32", [2], [x, 4]),
          tgt_mask: causal(6),
          "attn.weight": tensor("float32", [2], [3 * x, 1]),
          "attn.IGNORE": tensor("float32", [], [-Infinity]),
          "attn.mask": tensor("bool", [2, 2], [1, 0, 1, 1]),
          position_ids: tensor("int64", [1, 3], [0, 1, 2]),
          // of classes that cannot be, among others that differ
          "head.bias": tensor("float32", [3], [x, -Infinity, 2]),
        },
        format,
      );
    const { layers, distance, notes } = await compareFiles(await end(1), await end(3));
    expect(layers.map(({ name, size }) => [name, size])).toEqual([
      ["fc", 2],
      ["attn", 2],
      ["head", 3],
    ]);
    expect(distance.layers.attn.euclidean).toBe(6);
    expect(distance.layers.head.euclidean).toBe(2);
    expect(distance.layers.head.cosine).toBeCloseTo((3 + 4) / Math.sqrt(5 * 13), 12);
    expect(distance.full.euclidean).toBeCloseTo(Math.sqrt(4 + 36 + 4), 12);
    expect(notes).toBeUndefined();
  },
);

it("a causal mask of zeros and ones is no layer, whole numbers in one file and floats in the other", async () => {
  const end = (dtype: DType, x: number) =>
    writeNew({
      "attn.c_attn.weight": tensor("float32", [2], [x, 4]),
      "attn.bias": fromNumbers(dtype, [1, 1, 2, 2], [1, 0, 1, 1]),
    });
  const [whole, floats, others] = [await end("uint8", 1), await end("float32", 3), await end("float16", 6)];
  for (const [a, b, distance] of [
    [whole, floats, 2],
    [floats, whole, 2],
    [floats, others, 3],
  ] as const) {
    const found = await compareFiles(a, b);
    expect(found.layers.map(({ name, size }) => [name, size])).toEqual([["attn.c_attn", 2]]);
    expect(found.distance.full.euclidean).toBe(distance);
    expect(found.notes).toBeUndefined();
  }
});

it("rotary frequencies of another precision are no layer, and noted", async () => {
  const end = (dtype: DType, x: number) =>
    writeNew({
      "q.weight": tensor("float32", [2], [x, 4]),
      "rotary_emb.inv_freq": fromNumbers(dtype, [2], [1, 0.0316227766]),
    });
  const { layers, distance, notes } = await compareFiles(await end("float32", 1), await end("bfloat16", 3));
  expect(layers.map(({ name }) => name)).toEqual(["q"]);
  expect(distance.full.euclidean).toBe(2);
  expect(notes).toEqual([
    "Buffers that are computed from settings are not averaged: rotary_emb.inv_freq; the distances exclude them.",
  ]);
});

it("a mask that differs is a weight, and its infinities are named", async () => {
  const a = await writeNew({ "fc.weight": tensor("float32", [1], [1]), tgt_mask: causal(3) });
  const b = await writeNew({ "fc.weight": tensor("float32", [1], [1]), tgt_mask: tensor("float32", [3, 3]) });
  const { notes } = await compareFiles(a, b);
  expect(notes).toEqual([
    `${a} contains NaN or infinite weights in tgt_mask: the distances of these layers, and the full distance, are undefined.`,
  ]);
});

it("says which indices, masks and vectors differ, and in which file indices are intact", async () => {
  const end = (x: number, ids: Tensor) => ({
    "fc.weight_orig": tensor("float32", [2], [x, 1]),
    "fc.weight_u": tensor("float32", [2], [x, 0]),
    "fc.weight_v": tensor("float32", [2], [1, 0]), // equal
    "attn.mask": tensor("bool", [2], [x, 1]),
    "bn.num_batches_tracked": tensor("int64", [], [x]),
    queue: tensor("int64", [2], [x, 2]),
    position_ids: ids,
  });
  const broken = tensor("float32", [1, 3], [0, 0.99, 2]);
  const whole = tensor("int64", [1, 3], [0, 1, 2]);
  const half = fromNumbers("float16", [1, 3], [0, 1, 2]);
  const found = async (x: Tensor, y: Tensor) => {
    const paths = [await writeNew(end(0, x)), await writeNew(end(1, y))];
    const { differing } = await withCheckpoints(paths, (a, b) => kindsOfFiles(a, b));
    const { notes } = await compareFiles(paths[0], paths[1]);
    return { differing: differing.map(({ name, kind, intactIn }) => [name, kind.name, intactIn]), notes };
  };
  const others = [
    ["fc.weight_u", "vectors", undefined],
    ["attn.mask", "mask", undefined],
    ["queue", "buffer", undefined],
  ];
  const { differing, notes } = await found(whole, broken);
  expect(differing.sort()).toEqual([...others, ["position_ids", "ids", "a"]].sort());
  expect([...(notes ?? [])].sort()).toEqual([
    "Indices are not averaged: position_ids; the distances exclude them.",
    "Masks are not averaged: attn.mask; the distances exclude them.",
    "Power-iteration vectors of spectral norm are not averaged: fc.weight_u; the distances exclude them.",
    "Whole-number buffers are not averaged: queue; the distances exclude them.",
  ]);
  expect((await found(broken, half)).differing).toContainEqual(["position_ids", "ids", "b"]);
  expect((await found(broken, fromNumbers("float16", [1, 3], [0, 0.5, 2]))).differing).toContainEqual([
    "position_ids",
    "ids",
    undefined,
  ]);
  expect((await found(whole, half)).differing.sort()).toEqual(others.sort());
});

it("groups notes by kind and fate", () => {
  const kind = { name: "mask", parameter: "kept", differing: "note", plural: "masks" } as const;
  const all = ["x", "y", "z", "u", "v"].map((name) => ({ name, kind, size: 1 }));
  expect(notesOfKept(all, ({ name }) => (name < "x" ? "early" : "late"))).toEqual([
    "Masks are not averaged: x, y, z; late.",
    "Masks are not averaged: u, v; early.",
  ]);
});

it("recognises a mask and vectors among the initialisers of ONNX files", async () => {
  const end = (x: number) => {
    const path = join(folder, `${files++}.onnx`);
    const tensors = new Map([
      ["fc.weight_orig", tensor("float32", [2, 2], [x, 1, 2, 3])],
      ["fc.weight_u", tensor("float32", [2], [x, 0])],
      ["onnx::Add_7", causal(2)],
    ]);
    const nodes = [
      { opType: "MatMul", input: ["x", "fc.weight_orig"], output: ["h"] },
      { opType: "Add", input: ["h", "fc.weight_u"], output: ["i"] },
      { opType: "Add", input: ["i", "onnx::Add_7"], output: ["y"] },
    ];
    writeFileSync(path, onnxBytes(tensors, nodes));
    return path;
  };
  const { layers, distance, notes } = await compareFiles(end(1), end(4));
  expect(layers.map(({ name, size }) => [name, size])).toEqual([["fc", 4]]);
  expect(distance.full.euclidean).toBe(3);
  expect(notes).toEqual([
    "Power-iteration vectors of spectral norm are not averaged: fc.weight_u; the distances exclude them.",
  ]);
});

it("sums leave out equal infinities wherever they are, and no others", () => {
  const element = fc.oneof(
    fc.double({ min: -9, max: 9, noNaN: true }),
    fc.constantFrom(Infinity, -Infinity, Number.NaN),
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(element, element), { maxLength: 30 }),
      fc.constantFrom<DType>("float32", "float64", "float16", "bfloat16"),
      (pairs, dtype) => {
        const ends = (some: readonly (readonly [number, number])[]) =>
          [0, 1].map((i) =>
            fromNumbers(
              dtype,
              [some.length],
              some.map((pair) => pair[i]),
            ),
          );
        const isEqualInfinity = ([x, y]: readonly [number, number]) => x === y && Math.abs(x) === Infinity;
        const [a, b] = ends(pairs);
        const [c, d] = ends(pairs.map((pair) => (isEqualInfinity(pair) ? [0, 0] : pair)));
        expect(sumsOf(a, b)).toEqual(sumsOf(c, d));
        const isBroken = (i: 0 | 1) => pairs.some((pair) => !isEqualInfinity(pair) && !Number.isFinite(pair[i]));
        expect(Number.isFinite(sumsOf(a, b).a)).toBe(!isBroken(0));
        expect(Number.isFinite(sumsOf(a, b).b)).toBe(!isBroken(1));
      },
    ),
  );
});

it("weights of one element are placeholders if all others are, or if their biases have more", async () => {
  const file = (shapes: Record<string, number[]>) =>
    writeNew(
      Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, tensor("float32", shape)])),
      "torch",
    );
  const distance = async (shapes: Record<string, number[]>) => {
    const [a, b] = [await file(shapes), await file(shapes)];
    return compareFiles(a, b).then(
      () => "",
      (error: Error) => error.message.replaceAll(a, "A"),
    );
  };
  expect(await distance({ "fc.weight": [1], "fc.bias": [1] })).toMatch(
    /^A has only one element each for fc\.weight, fc\.bias, placeholders .* Gather them/,
  );
  expect(await distance({ "fc.weight": [1], "fc.bias": [4], "norm.weight": [4] })).toMatch(
    /^A has only one element each for fc\.weight, placeholders/,
  );
  expect(await distance({ "fc.weight": [1, 1], "fc.bias": [1] })).toBe("");
  expect(await distance({ "prelu.weight": [1], "fc.weight": [4, 4], "fc.bias": [4] })).toBe("");
});
