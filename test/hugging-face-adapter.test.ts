// Invalid adapters: without tensors, without elements, or with only one of two factors.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { tensor } from "../src/core/index.ts";
import { compareFiles, compareFolders } from "../src/distance/index.ts";
import { openWeights, readModelFolder } from "../src/hub/index.ts";
import { temporaryFolder, writeTensors } from "./checkpoints.ts";
import { writeModelFolder } from "./model-folder.ts";
import { randomTensor } from "./onnx-graphs.ts";

const folder = temporaryFolder();
const base = join(folder, "base");
beforeAll(() => writeModelFolder(base, 1));

const [a, b] = ["A", "B"].map((factor) => `base_model.model.model.layers.0.self_attn.q_proj.lora_${factor}.weight`);
const own = { [a]: [2, 16], [b]: [16, 2] };

async function writeAdapter(name: string, shapes: Readonly<Record<string, number[]>>, config = {}): Promise<string> {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  const settings = { peft_type: "LORA", base_model_name_or_path: base, lora_alpha: 4, target_modules: ["q_proj"] };
  writeFileSync(join(path, "adapter_config.json"), JSON.stringify({ ...settings, ...config }));
  const tensors = Object.entries(shapes).map(
    ([key, shape]) =>
      [key, shape.includes(0) ? tensor("float32", shape) : randomTensor(key, shape, -0.5, 0.5)] as const,
  );
  await writeTensors(join(path, "adapter_model.safetensors"), "safetensors", new Map(tensors));
  return path;
}

const embedding = "base_model.model.model.embed_tokens.weight";
const gather =
  "because the weights were sharded when the file was saved. Gather them, then save the state dict again (DeepSpeed: zero_to_fp32.py";
it.each<[string, Record<string, number[]>, string]>([
  ["nothing", {}, "contains no factors (lora_A and lora_B), so it would not change its base. Save the adapter again"],
  ["whole modules alone", { [embedding]: [256, 16] }, "contains no factors (lora_A and lora_B)"],
  ["factors of shape [0]", { [a]: [0], [b]: [0] }, `All tensors in FILE are empty, ${gather}`],
  ["one factor of shape [0]", { [a]: [0], [b]: [16, 2] }, `has no elements for ${a}, ${gather}`],
  ["a module of shape [0]", { ...own, [embedding]: [0] }, `has no elements for ${embedding}, ${gather}`],
  [
    "factors of an embedding",
    { ...own, "base_model.model.model.embed_tokens.lora_embedding_A": [2, 256] },
    "which are not factors of a linear layer. layerwise does not evaluate them. In Python, merge the adapter",
  ],
  ["one factor", { [b]: [16, 2] }, `contains ${b} without the other factor of the same matrix. Save the adapter again`],
  ["the other factor", { [a]: [2, 16] }, `contains ${a} without the other factor of the same matrix.`],
])("refuses an adapter of %s", async (name, shapes, fault) => {
  const path = await writeAdapter(name, shapes);
  const opened = readModelFolder(path).then((model) => openWeights(model));
  await expect(opened).rejects.toThrow(fault.replace("FILE", join(path, "adapter_model.safetensors")));
});

it("accepts whole modules only, if no matrix should have factors", async () => {
  const path = await writeAdapter("modules", { [embedding]: [256, 16] }, { target_modules: [] });
  const { distance } = await compareFolders(base, path);
  expect(distance?.layers.embeddings.euclidean).toBeGreaterThan(0);
  expect(distance?.layers.norm.euclidean).toBe(0);
});

it("reports that weights of shape [0] are in another file, for a folder and for a file", async () => {
  const path = join(folder, "gathered-not");
  const name = "model.embed_tokens.weight";
  await writeModelFolder(path, 2, (own, one) => (own === name ? tensor("float32", [0]) : one));
  const file = join(path, "model.safetensors");
  const fault = `${file} has no elements for ${name}, ${gather}`;
  await expect(readModelFolder(path).then((model) => openWeights(model))).rejects.toThrow(fault);
  await expect(compareFiles(file, file)).rejects.toThrow(fault);
});

it.each<[string, object]>([
  ["use_dora is true", { use_dora: true }],
  ['init_lora_weights is "pissa"', { init_lora_weights: "pissa" }],
  ["corda_config has settings", { corda_config: { corda_method: "ipm" } }],
  ['bias is "lora_only"', { bias: "lora_only" }],
  ["trainable_token_indices is [1]", { trainable_token_indices: [1] }],
  ['peft_type is "IA3"', { peft_type: "IA3" }],
])("advises merging an adapter whose %s", async (setting, config) => {
  const path = await writeAdapter(`unsupported-${setting.slice(0, 5)}`, own, config);
  await expect(readModelFolder(path)).rejects.toThrow(
    `${join(path, "adapter_config.json")}: ${setting}, which layerwise does not evaluate. In Python, merge the adapter into its base (merge_and_unload in PEFT), save the result with save_pretrained, and give that folder.`,
  );
});
