// Hugging Face folders against transformers: losses, errors and barriers of every family (shared/fixtures/huggingface).
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { measure } from "../src/connectivity/index.ts";
import { hasShared, sharedPath } from "./shared.ts";

interface Ends {
  readonly loss: number;
  readonly error: number;
}
interface Expected {
  readonly context: number;
  readonly windows: number;
  readonly smallest_margin: number;
  readonly ends: Readonly<Record<"a" | "b", Ends>>;
  readonly full: Ends & { readonly loss_barrier: number; readonly error_barrier: number };
  readonly groups: Readonly<Record<string, readonly { readonly name: string }[]>>;
  readonly barriers: readonly {
    readonly grouping: string;
    readonly group: string;
    readonly base: "a" | "b";
    readonly loss_barrier: number;
    readonly error_barrier: number;
  }[];
}

const root = sharedPath("fixtures/huggingface");
const read = (path: string): Expected => JSON.parse(readFileSync(path, "utf8"));

/** A single prediction may differ because of a tie. */
const onePrediction = ({ context, windows }: Expected) => 100 / (context * windows) + 1e-9;

async function expectNumbers(a: string, b: string, expected: Expected, group: "block" | "module" | "sublayer") {
  const { context, windows } = expected;
  const data = { name: sharedPath("data/shakespeare/input.txt"), context, samples: windows };
  const { document } = await measure({ a, b, model: {}, data, group, scans: ["single", "full"] });
  const most = onePrediction(expected);
  for (const end of ["a", "b"] as const) {
    expect(Math.abs(document.ends[end].loss! - expected.ends[end].loss)).toBeLessThan(2e-6);
    expect(Math.abs(document.ends[end].error! - expected.ends[end].error)).toBeLessThan(most);
  }
  const wanted = expected.barriers.filter(({ grouping }) => grouping === group);
  const names = expected.groups[group].map(({ name }) => name);
  const layers = document.layers.map(({ name }) => name);
  if (group === "sublayer") expect(layers).toEqual(expect.arrayContaining(names));
  else expect(layers).toEqual(names);
  for (const { group: layer, base, loss_barrier, error_barrier } of wanted) {
    const cell = document.cells.find((one) => one.scan === "single" && one.layer === layer && one.base === base)!;
    expect(Math.abs(cell.loss!.barrier! - loss_barrier), `${layer} on ${base}`).toBeLessThan(2e-6);
    expect(Math.abs(cell.error!.barrier! - error_barrier), `${layer} on ${base}`).toBeLessThan(2 * most);
  }
  const full = document.cells.find(({ scan }) => scan === "full")!;
  expect(Math.abs(full.loss!.barrier! - expected.full.loss_barrier)).toBeLessThan(2e-6);
  expect(Math.abs(full.error!.barrier! - expected.full.error_barrier)).toBeLessThan(2 * most);
}

const variants = [
  "gpt_neox",
  "gpt2",
  "llama",
  "llama-llama3",
  "llama-linear",
  "llama-yarn",
  "llama-bias",
  "mistral",
  "qwen2",
  "qwen3",
  "smollm3",
  "gemma2",
  "gemma3",
  "phi3-short",
  "phi3-long",
  "olmo2",
];
const oldSpellings = [
  "gpt_neox",
  "llama-llama3",
  "llama-linear",
  "llama-yarn",
  "gemma3",
  "phi3-long",
  "qwen2",
  "smollm3",
];

describe.skipIf(!hasShared)(`Hugging Face folders${hasShared ? "" : " (skipped: ../shared is missing)"}`, () => {
  for (const variant of variants)
    it(`equal transformers: ${variant}`, async () => {
      const expected = read(join(root, variant, "expected.json"));
      const [a, b] = ["a", "b"].map((end) => join(root, variant, end));
      for (const group of ["block", "module", "sublayer"] as const)
        if (group in expected.groups) await expectNumbers(a, b, expected, group);
    });

  for (const variant of oldSpellings)
    it(`equal transformers with the config keys of version 4: ${variant}`, () =>
      expectNumbers(
        join(root, `${variant}-v4`, "a"),
        join(root, variant, "b"),
        read(join(root, variant, "expected.json")),
        "block",
      ));

  for (const adapter of ["lora", "lora-rslora", "lora-patterns", "lora-head", "lora-gpt2"])
    it(`equal peft: ${adapter}`, async () => {
      const expected = read(join(root, adapter, "expected.json"));
      await expectNumbers(join(root, adapter, "a"), join(root, adapter, "b"), expected, "block");
    });

  it("refuses an adapter with more than two factors", async () => {
    const [a, b] = ["a", "b"].map((end) => join(root, "lora-dora", end));
    const data = { name: sharedPath("data/shakespeare/input.txt"), context: 48, samples: 1 };
    await expect(measure({ a, b, model: {}, data, scans: ["full"] })).rejects.toThrow("use_dora is true");
  });

  it("equal transformers from pytorch_model.bin", () =>
    expectNumbers(join(root, "gpt2-bin/a"), join(root, "gpt2-bin/b"), read(join(root, "gpt2/expected.json")), "block"));
});
