import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readMergekit, writeMergekit } from "./mergekit.ts";

/** Twelve blocks, so that the path of one begins that of another. */
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
const weights = (text: string) => {
  const { alphaOf } = readMergekit(text, "merge.yaml");
  return layers.flatMap(({ name, parameters }) =>
    parameters.map((one) => [name, alphaOf(one, undefined, 12)] as const),
  );
};

describe("mergekit", () => {
  it("reads what it writes, for every choice of layers", () => {
    const alpha = fc.option(fc.constantFrom(0.25, 0.5, 1), { nil: undefined });
    fc.assert(
      fc.property(
        fc.array(alpha, { minLength: 15, maxLength: 15 }),
        fc.constantFrom("a" as const, "b" as const),
        (chosen, base) => {
          const alphas = new Map(
            layers.flatMap(({ name }, i) => (chosen[i] === undefined ? [] : [[name, chosen[i]!] as const])),
          );
          const text = writeMergekit({ a: "A", b: "B", layers, alphas, base, dtype: "bfloat16" });
          for (const [name, found] of weights(text))
            expect(found, name).toBe(alphas.get(name) ?? (base === "b" ? 1 : 0));
        },
      ),
    );
  });

  it("spreads a gradient over the blocks, and gives everything else its first value", () => {
    const { alphaOf } = readMergekit(
      "merge_method: linear\nmodels:\n- {model: A, parameters: {weight: 1}}\n- {model: B, parameters: {weight: [0, 1, 3]}}\n",
      "merge.yaml",
    );
    expect(alphaOf("x", undefined, 5)).toBe(0);
    expect([0, 1, 2, 3, 4].map((block) => alphaOf("x", block, 5))).toEqual([0, 0.5 / 1.5, 0.5, 2 / 3, 0.75]);
  });

  it.each([
    ["merge_method: slerp\nmodels: [{model: A}, {model: B}]", "has the method slerp"],
    ["merge_method: linear\nmodels: [{model: A}]", "merges 1 models"],
    ["merge_method: linear\nslices: []", "joins slices"],
    ["merge_method: linear\nmodels: 3", "cannot be read (models"],
    ["{", "is not YAML"],
  ])("refuses %j", (text, says) => {
    expect(() => readMergekit(text, "merge.yaml")).toThrow(says);
  });

  it("refuses tensors without a weight, and sums that are not one where they are not normalised", () => {
    const alphaOf = (weight: string, more = "") =>
      readMergekit(
        `merge_method: linear\nmodels:\n- {model: A, parameters: {weight: 1}}\n- {model: B${weight}}\n${more}`,
        "m.yaml",
      ).alphaOf("x", 0, 2);
    expect(() => alphaOf("")).toThrow("gives B no weight in x");
    expect(() => alphaOf(", parameters: {weight: [{filter: y, value: 1}]}")).toThrow("gives B no weight in x");
    expect(() => alphaOf(", parameters: {weight: 1}", "parameters: {normalize: false}")).toThrow(
      "whose sum is not one",
    );
  });
});
