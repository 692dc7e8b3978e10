import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readMergekit, writeMergekit } from "./config.ts";

/** Twelve blocks: the path of block 1 is a prefix of that of block 10. */
const layers = [
  { name: "embeddings", parameters: ["model.embed_tokens.weight"], size: 1 },
  ...Array.from({ length: 12 }, (_, i) => ({
    name: `model.layers.${i}`,
    parameters: ["self_attn.q_proj", "mlp.up_proj"].map((name) => `model.layers.${i}.${name}.weight`),
    size: 1,
  })),
  { name: "norm", parameters: ["model.norm.weight"], size: 1 },
  { name: "head", parameters: ["lm_head.weight"], size: 1 },
];
const alphasIn = (text: string) => {
  const { alphaOf } = readMergekit(text, "merge.yaml");
  return layers.flatMap(({ name, parameters }) =>
    parameters.map((one) => [name, alphaOf(one, undefined, 12)] as const),
  );
};

describe("mergekit", () => {
  it("reads what it writes, for every choice of layers", () => {
    const alpha = fc.option(fc.constantFrom(0.25, 0.1, 0.5, 1), { nil: undefined });
    fc.assert(
      fc.property(
        fc.array(alpha, { minLength: 15, maxLength: 15 }),
        fc.constantFrom("a" as const, "b" as const),
        (chosen, base) => {
          const alphas = new Map(
            layers.flatMap(({ name }, i) => (chosen[i] === undefined ? [] : [[name, chosen[i]!] as const])),
          );
          const text = writeMergekit({ a: "A", b: "B", layers, alphas, base, dtype: "bfloat16" });
          for (const [name, found] of alphasIn(text))
            expect(found, name).toBeCloseTo(alphas.get(name) ?? (base === "b" ? 1 : 0), 12);
        },
      ),
      { numRuns: 40 },
    );
  });

  it("spreads a gradient over the blocks, and uses its first value elsewhere", () => {
    const { alphaOf } = readMergekit(
      "merge_method: linear\nmodels:\n- {model: A, parameters: {weight: 1}}\n- {model: B, parameters: {weight: [0, 1, 3]}}\n",
      "merge.yaml",
    );
    expect(alphaOf("x", undefined, 5)).toBe(0);
    expect([0, 1, 2, 3, 4].map((block) => alphaOf("x", block, 5))).toEqual([0, 0.5 / 1.5, 0.5, 2 / 3, 0.75]);
  });

  it("writes full names if a filter for one layer would match another", () => {
    const own = ["pre.out.weight", "out.weight"].map((one) => ({
      name: one.replace(".weight", ""),
      parameters: [one],
      size: 1,
    }));
    const text = writeMergekit({
      a: "A",
      b: "B",
      layers: own,
      alphas: new Map([["out", 0.5]]),
      base: "a",
      dtype: "float32",
    });
    const { alphaOf } = readMergekit(text, "m.yaml");
    expect(own.map(({ parameters: [one] }) => alphaOf(one, undefined, 1))).toEqual([0, 0.5]);
  });

  it("puts the only block at the end of a gradient, as mergekit does", () => {
    const { alphaOf } = readMergekit(
      "merge_method: linear\nmodels: [{model: A, parameters: {weight: [1, 0]}}, {model: B, parameters: {weight: [0, 1]}}]",
      "m.yaml",
    );
    expect([alphaOf("x", 0, 1), alphaOf("head", undefined, 1)]).toEqual([1, 0]);
  });

  it("falls back to the common weight if a model's own filters match nothing", () => {
    const { alphaOf } = readMergekit(
      `merge_method: linear
models:
  - { model: A, parameters: { weight: [{ filter: mlp, value: 3 }] } }
  - { model: B }
parameters: { weight: 1 }
`,
      "m.yaml",
    );
    expect([alphaOf("x.mlp.weight", 0, 2), alphaOf("x.norm.weight", 0, 2)]).toEqual([0.25, 0.5]);
  });

  it("reads a slice of all blocks, and refuses a partial one", () => {
    const text = (to: number) => `merge_method: linear
slices:
  - sources:
      - { model: A, layer_range: [0, ${to}], parameters: { weight: 3 } }
      - { model: B, layer_range: [0, ${to}] }
    parameters: { weight: 1 }
`;
    expect(readMergekit(text(4), "m.yaml").alphaOf("x", 2, 4)).toBe(0.25);
    expect(() => readMergekit(text(3), "m.yaml").alphaOf("x", 2, 4)).toThrow("uses only some of the 4 blocks");
  });

  it.each([
    ["merge_method: slerp\nmodels: [{model: A}, {model: B}]", "has merge_method slerp"],
    ["merge_method: linear\nmodels: [{model: A}]", "merges 1 models"],
    ["merge_method: linear\nslices: [{sources: []}, {sources: []}]", "joins 2 slices"],
    ["merge_method: linear\nbase_model: C\nmodels: [{model: A}, {model: B}]", "merges 3 models"],
    ["merge_method: linear", "has neither models nor slices"],
    ["merge_method: linear\nmodels: 3", "cannot be read (models"],
    ["{", "is not valid YAML"],
  ])("refuses %j", (text, says) => {
    expect(() => readMergekit(text, "merge.yaml")).toThrow(says);
  });

  it("refuses tensors without a weight, and unnormalised weights that do not sum to 1", () => {
    const alphaOf = (weight: string, more = "") =>
      readMergekit(
        `merge_method: linear\nmodels:\n- {model: A, parameters: {weight: 1}}\n- {model: B${weight}}\n${more}`,
        "m.yaml",
      ).alphaOf("x", 0, 2);
    expect(() => alphaOf("")).toThrow("has no weight for B in x");
    expect(() => alphaOf(", parameters: {weight: [{filter: y, value: 1}]}")).toThrow("has no weight for B in x");
    expect(() => alphaOf(", parameters: {weight: 1}", "parameters: {normalize: false}")).toThrow(
      "which do not sum to 1",
    );
  });
});
