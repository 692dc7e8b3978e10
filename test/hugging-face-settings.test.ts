// Settings of config.json written by older programs, and by programs other than transformers.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { rewriteCheckpoint } from "../src/checkpoints/index.ts";
import { tensor } from "../src/core/index.ts";
import { compareFolders } from "../src/distance/index.ts";
import type { JsonObject } from "../src/hub/config.ts";
import { Config } from "../src/hub/config.ts";
import { decoders } from "../src/hub/families/index.ts";
import { openWeights, readModelFolder } from "../src/hub/index.ts";
import { readTensors, temporaryFolder, writeTensors } from "./checkpoints.ts";
import { tinyLlama, writeModelFolder } from "./model-folder.ts";

const at = (name: string) => join(temporaryFolder(), name);

const phi = (rope: JsonObject): JsonObject => ({
  ...tinyLlama,
  architectures: ["Phi3ForCausalLM"],
  model_type: "phi3",
  max_position_embeddings: 64,
  original_max_position_embeddings: 16,
  rope_scaling: { short_factor: [1, 2], long_factor: [4, 8], ...rope },
});

it.each(["su", "yarn"])("reads Phi-3's %s as longrope", async (type) => {
  const rotary = (config: JsonObject) => {
    const { blocks } = decoders.find((one) => one.type === "phi3")!.read(new Config("config.json", config));
    return [8, 32].map((tokens) => blocks[0].attention.rotary!.at(tokens));
  };
  const [short, long] = rotary(phi({ type }));
  expect([short, long]).toEqual(rotary(phi({ rope_type: "longrope" })));
  expect(short.inverse[0] / long.inverse[0]).toBeCloseTo(4);
  expect(() => rotary(phi({ type: "linear" }))).toThrow('rope_scaling.type is "linear", which Phi-3 does not support');
});

it("finds no difference between Phi-3's su and longrope", async () => {
  const a = await writeModelFolder(at("a"), 1, undefined, phi({ type: "su" }));
  const b = await writeModelFolder(at("b"), 2, undefined, phi({ type: "longrope" }));
  const { preflight } = await compareFolders(a, b);
  expect(preflight.checks.filter(({ status }) => status !== "same")).toEqual([]);
});

it.each<[string, JsonObject, string]>([
  ["quantization_config", { quant_method: "gptq", bits: 4 }, "gptq"],
  ["quantization", { group_size: 64, bits: 4 }, "4 bits, by MLX"],
  ["compression_config", { format: "pack-quantized" }, "an unknown method"],
])("refuses the weights that %s says are quantised", async (key, settings, method) => {
  const path = await writeModelFolder(at("q"), 1, undefined, { ...tinyLlama, [key]: settings });
  await expect(readModelFolder(path)).rejects.toThrow(
    `${path}/config.json: the weights are quantised (${method}), so they cannot be averaged.`,
  );
});

it.each([["scales", "biases"], ["qweight", "qzeros"], ["weight_scale_inv"]])(
  "refuses quantised weights without a setting: %s",
  async (...names) => {
    const path = await writeModelFolder(at("q"), 1);
    const file = join(path, "model.safetensors");
    const more = names.map((name) => [`model.layers.0.mlp.up_proj.${name}`, tensor("float32", [2])] as const);
    await writeTensors(file, "safetensors", new Map([...(await readTensors(file)), ...more]));
    await expect(readModelFolder(path).then((model) => openWeights(model))).rejects.toThrow(
      `${file} contains quantised weights (model.layers.0.mlp.up_proj.${names[0]}`,
    );
    await expect(readModelFolder(path).then((model) => openWeights(model))).rejects.toThrow(
      "contains quantised weights",
    );
  },
);

it("replaces a tied head in a file that also stores the embedding", async () => {
  const path = await writeModelFolder(at("tied"), 1, undefined, { ...tinyLlama, tie_word_embeddings: true });
  const [file, out] = [join(path, "model.safetensors"), join(path, "out.safetensors")];
  const tensors = await readTensors(file);
  const [embedding, head] = ["model.embed_tokens.weight", "lm_head.weight"];
  await writeTensors(file, "safetensors", tensors.set(head, tensors.get(embedding)!));
  const weights = await openWeights(await readModelFolder(path));
  const zeros = (name: string) => tensor("float32", [...weights.tensors.get(name)!.shape]);
  await rewriteCheckpoint(weights, out, new Set(weights.tensors.keys()), async (name) =>
    [embedding, head].includes(name) ? zeros(name) : undefined,
  );
  await weights.close();
  const written = await readTensors(out);
  for (const name of [embedding, head]) expect(written.get(name)).toEqual(zeros(name));
});

it("accepts a config.json with a byte order mark, and refuses other encodings", async () => {
  const path = await writeModelFolder(at("mark"), 1);
  const file = join(path, "config.json");
  const text = readFileSync(file, "utf8");
  writeFileSync(file, `\uFEFF${text}`);
  expect((await readModelFolder(path)).architecture).toBe("LlamaForCausalLM");
  writeFileSync(file, Buffer.from(text, "utf16le"));
  await expect(readModelFolder(path)).rejects.toThrow(`${file} is UTF-16LE text, but layerwise reads UTF-8.`);
});
