// Merged Hugging Face folders: their files, and their weights, which equal transformers' averages (with
// shared/fixtures/huggingface). Failures are in hugging-face-merge-faults.test.ts.
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { parse } from "yaml";
import { openCheckpoint, readAll } from "../src/checkpoints/index.ts";
import { measure } from "../src/connectivity/index.ts";
import { bytesOf, fromNumbers, sha256, sha256File, signed, type Tensor, toNumbers } from "../src/core/index.ts";
import { readMergekitAlphas } from "../src/hub/index.ts";
import { merge } from "../src/merging/index.ts";
import { readTensors, temporaryFolder, writeTensors } from "./checkpoints.ts";
import { tinyLlama, twoFolders, writeModelFolder } from "./model-folder.ts";
import { randomTensor } from "./onnx-graphs.ts";
import { hasShared, sharedPath } from "./shared.ts";

const read = async (path: string) => readTensors(join(path, "model.safetensors"));
const mean = (x: Tensor, y: Tensor, alpha = 0.5) => {
  const [one, other] = [toNumbers(x), toNumbers(y)];
  return fromNumbers(
    x.dtype,
    x.shape,
    Float64Array.from(one, (value, i) => (1 - alpha) * value + alpha * other[i]),
  );
};

it("writes a folder with the averages, their companion files, a card and the record", async () => {
  const { a, b, out } = await twoFolders(temporaryFolder());
  for (const name of ["generation_config.json", "special_tokens_map.json"]) writeFileSync(join(a, name), "{}");
  for (const name of ["LICENSE", "merges.txt", "chat_template.jinja", "tokenizer.model"])
    writeFileSync(join(a, name), name);
  const others = ["README.md", ".gitattributes", "training_args.bin", "trainer_state.json", "flax_model.msgpack"];
  for (const name of others) writeFileSync(join(a, name), "a's");
  copyFileSync(join(a, "model.safetensors"), join(a, "consolidated.safetensors"));
  mkdirSync(join(a, "onnx"));
  mkdirSync(join(a, "additional_chat_templates"));
  writeFileSync(join(a, "additional_chat_templates", "tool.jinja"), "{{ 1 }}");
  const record = await merge({ a, b, out, layers: ["model.layers.1", "head=0.25"], command: "layerwise merge …" });
  const files = [
    "LICENSE",
    "README.md",
    "additional_chat_templates/tool.jinja",
    "chat_template.jinja",
    "config.json",
    "generation_config.json",
    "merge.json",
    "merges.txt",
    "model.safetensors",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
  ];
  expect(record.out).toEqual({ path: out, sha256: await sha256File(join(out, "model.safetensors")), files });
  const found = readdirSync(out, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  expect(found.map(({ parentPath, name }) => join(parentPath, name).slice(out.length + 1)).sort()).toEqual(files);
  expect(readFileSync(join(out, "config.json"))).toEqual(readFileSync(join(a, "config.json")));
  expect(JSON.parse(readFileSync(join(out, "merge.json"), "utf8"))).toEqual(record);
  expect(record.averaged).toEqual({ "model.layers.1": 0.5, head: 0.25 });
  expect(record.notes).toEqual([
    `Not copied from ${a}: consolidated.safetensors, flax_model.msgpack, onnx, trainer_state.json and 1 more.`,
  ]);
  const [x, y, merged] = await Promise.all([a, b, out].map(read));
  for (const [name, value] of merged) {
    const alpha = name.startsWith("model.layers.1.") ? 0.5 : name === "lm_head.weight" ? 0.25 : 0;
    expect(bytesOf(value), name).toEqual(bytesOf(mean(x.get(name)!, y.get(name)!, alpha)));
  }
  const card = readFileSync(join(out, "README.md"), "utf8");
  const [, front] = card.split("---\n");
  expect(parse(front)).toEqual({ library_name: "transformers", tags: ["merge", "layerwise"] });
  expect(card).toContain("2 of 5 layers");
  expect(card).toContain("| model.layers.1 | 0.5 |\n| head | 0.25 |\n| embeddings | 0 |");
  expect(card).toContain("```sh\nlayerwise merge …\n```");
});

it("lists cached hub models in the card", async () => {
  const home = temporaryFolder();
  const snapshot = (name: string) => join(home, "hub", `models--org--${name}`, "snapshots", "0123");
  for (const [i, name] of ["one", "two"].entries()) {
    await writeModelFolder(snapshot(name), i + 1);
    mkdirSync(join(home, "hub", `models--org--${name}`, "refs"));
    writeFileSync(join(home, "hub", `models--org--${name}`, "refs", "main"), "0123");
  }
  vi.stubEnv("HF_HOME", home);
  const out = join(home, "merged");
  const record = await merge({ a: "org/one", b: snapshot("two"), out });
  vi.unstubAllEnvs();
  expect(record.a.path).toBe("org/one");
  expect(parse(readFileSync(join(out, "README.md"), "utf8").split("---\n")[1]).base_model).toEqual([
    "org/one",
    "org/two",
  ]);
});

it("writes the same shards as a, under a's names, if b's differ", async () => {
  const { a, b, out } = await twoFolders(temporaryFolder());
  const all = await read(a);
  const bare = (name: string) => name.replace(/^model\./, "");
  const isFirst = (name: string) => name.includes("layers.0") || name === "lm_head.weight";
  const map: Record<string, string> = {};
  for (const part of ["1", "2"]) {
    const file = `model-0000${part}-of-00002.safetensors`;
    const own = [...all].filter(([name]) => isFirst(name) === (part === "1"));
    for (const [name] of own) map[bare(name)] = file;
    await writeTensors(join(a, file), "safetensors", new Map(own.map(([name, value]) => [bare(name), value])));
  }
  const index = JSON.stringify({ metadata: { total_size: 1 }, weight_map: map });
  const sharded = join(a, "..", "sharded");
  cpSync(a, sharded, { recursive: true, filter: (path) => !path.endsWith("model.safetensors") });
  writeFileSync(join(sharded, "model.safetensors.index.json"), index);
  const record = await merge({ a: sharded, b, out });
  expect(readFileSync(join(out, "model.safetensors.index.json"), "utf8")).toBe(index);
  const merged = await openCheckpoint(out, { asStored: true });
  const found = await readAll(merged);
  await merged.close();
  expect([...found.keys()].sort()).toEqual(Object.keys(map).sort());
  const other = await read(b);
  for (const [name, value] of all)
    expect(bytesOf(found.get(bare(name))!), name).toEqual(bytesOf(mean(value, other.get(name)!)));
  const files = ["model.safetensors.index.json", ...new Set(Object.values(map))].map((file) => join(out, file));
  const hashes = await Promise.all(files.map((file) => sha256File(file)));
  expect(record.out.sha256).toBe(sha256(hashes.join("")));
});

it.each(["safetensors", "torch"] as const)(
  "averages both copies of a tied head that is stored twice, %s",
  async (format) => {
    const { a, b, out } = await twoFolders(temporaryFolder(), undefined, { ...tinyLlama, tie_word_embeddings: true });
    const file = format === "torch" ? "pytorch_model.bin" : "model.safetensors";
    const tied = ["model.embed_tokens.weight", "lm_head.weight"];
    const ends: Map<string, Tensor>[] = [];
    for (const end of [a, b]) {
      const own = await read(end);
      own.set(tied[1], own.get(tied[0])!);
      ends.push(own);
      cpSync(end, `${end}-2`, { recursive: true, filter: (path) => !path.endsWith("model.safetensors") });
      await writeTensors(join(`${end}-2`, file), format, own);
    }
    await merge({ a: `${a}-2`, b: `${b}-2`, out });
    const merged = await readTensors(join(out, file));
    expect([...merged.keys()]).toEqual([...ends[0].keys()]);
    const wanted = bytesOf(mean(ends[0].get(tied[0])!, ends[1].get(tied[0])!));
    for (const name of tied) expect(bytesOf(merged.get(name)!), name).toEqual(wanted);
  },
);

it("rounds once, to the dtype of a's file, if an end is an adapter", async () => {
  const { a, b, out } = await twoFolders(temporaryFolder(), (_, value) =>
    fromNumbers("bfloat16", value.shape, toNumbers(value)),
  );
  const adapter = join(a, "..", "adapter");
  mkdirSync(adapter);
  writeFileSync(
    join(adapter, "adapter_config.json"),
    JSON.stringify({ peft_type: "LORA", r: 2, lora_alpha: 4, base_model_name_or_path: "../a" }),
  );
  const module = "model.layers.0.self_attn.q_proj";
  const factors = new Map([
    [`base_model.model.${module}.lora_A.weight`, randomTensor("A", [2, 16])],
    [`base_model.model.${module}.lora_B.weight`, randomTensor("B", [16, 2])],
  ]);
  await writeTensors(join(adapter, "adapter_model.safetensors"), "safetensors", factors);
  const [x, y] = [await read(a), await read(b)];
  const [p, q] = [...factors.values()].map(toNumbers);
  const product = (i: number) => q[2 * (i >> 4)] * p[i & 15] + q[2 * (i >> 4) + 1] * p[16 + (i & 15)];
  const name = `${module}.weight`;
  const changed = Float64Array.from(toNumbers(x.get(name)!), (w, i) =>
    Math.fround(w + Math.fround(2 * Math.fround(product(i)))),
  );
  const end = fromNumbers("float32", [16, 16], changed);
  const rounded = (value: Tensor) => bytesOf(fromNumbers("bfloat16", value.shape, toNumbers(value)));
  await merge({ a: adapter, b, out });
  const merged = await read(out);
  const wide = (value: Tensor) => fromNumbers("float32", value.shape, toNumbers(value));
  expect(bytesOf(merged.get(name)!)).toEqual(rounded(mean(end, wide(y.get(name)!))));
  await merge({ a: adapter, b, out, layers: ["head"] }); // its own change stays
  const kept = await read(out);
  expect(bytesOf(kept.get(name)!)).toEqual(rounded(end));
  expect(bytesOf(kept.get("model.norm.weight")!)).toEqual(bytesOf(x.get("model.norm.weight")!));
});

/** Two folders, a text to measure them on, and the path of a mergekit configuration. */
async function foldersAndText() {
  const within = temporaryFolder();
  const name = join(within, "text.txt");
  writeFileSync(name, "To be, or not to be, that is the question.\n".repeat(12));
  return { ...(await twoFolders(within)), data: { name, context: 16, samples: 8 }, yaml: join(within, "merge.yaml") };
}

it("chooses blocks under a budget, checks the folder, and writes both into the card and the mergekit configuration", async () => {
  const { a, b, out, data, yaml } = await foldersAndText();
  const record = await merge({
    a,
    b,
    out,
    budget: { limit: -0.05, metric: "loss" },
    measure: { a, b, model: {}, data, scans: [] },
    mergekit: yaml,
  });
  expect(Object.keys(record.averaged).length).toBeGreaterThan(0);

  expect(record.kept.length).toBeGreaterThan(0);
  expect(record.checked!.loss_barrier).toBeCloseTo(record.budget!.barrier!, 5);
  const card = readFileSync(join(out, "README.md"), "utf8");
  expect(card).toContain(`barrier ${signed(record.checked!.loss_barrier, 4)}`);
  const { alphas, group, notes } = await readMergekitAlphas(yaml, {});
  expect([group, notes]).toEqual(["block", []]);
  const all = [...Object.entries(record.averaged), ...record.kept.map((name) => [name, 0] as const)];
  expect(alphas).toEqual(Object.fromEntries(all));
  // measuring with the configuration gives the same network
  const { document } = await measure({ a, b, model: {}, data, group, layerAlphas: alphas, scans: ["single", "full"] });
  const full = document.cells.find(({ scan }) => scan === "full")!;
  expect(full.loss!.value).toBeCloseTo(record.checked!.loss!, 5);
  expect(full.averaged).toEqual(document.layers.map(({ name }) => name).filter((name) => name in record.averaged));
  expect(document.layer_alphas).toEqual(alphas);
});

it("measures each layer at the alpha from a mergekit configuration, and all layers together", async () => {
  const { a, b, out, data, yaml } = await foldersAndText();
  writeFileSync(
    yaml,
    `merge_method: linear
models:
  - model: ${a}
    parameters: { weight: 1 }
  - model: ${b}
    parameters:
      weight:
        - { filter: self_attn, value: [0, 1] }
        - { filter: norm, value: 0 }
        - value: [1, 3]
`,
  );
  const { alphas, group, notes } = await readMergekitAlphas(yaml, {});
  expect([group, notes]).toEqual(["sublayer", []]);
  expect(alphas).toMatchObject({
    "model.embed_tokens": 0.5,
    "model.layers.0.self_attn": 0,
    "model.layers.1.self_attn": 0.5,
    "model.layers.0.mlp": 0.5,
    "model.layers.1.mlp": 0.75,
    "model.norm": 0,
    lm_head: 0.5,
  });
  await expect(readMergekitAlphas(yaml, { group: "block" })).rejects.toThrow(
    "has several alphas (0 and 0.5) in one layer, model.layers.0.",
  );
  const layers = Object.entries(alphas).flatMap(([name, alpha]) => (alpha ? [`${name}=${alpha}`] : []));
  const lossOf = async (layers: readonly string[], base: "a" | "b" = "a") => {
    await merge({ a, b, out, group, layers, base });
    const { document } = await measure({ a: out, b: out, model: {}, data, scans: [] });
    return document.ends.a.loss!;
  };
  const { document } = await measure({ a, b, model: {}, data, group, layerAlphas: alphas, scans: ["single", "full"] });
  const cell = (layer: string | null, base: "a" | "b" | null) =>
    document.cells.find((one) => one.layer === layer && one.base === base)!;
  expect(cell(null, null).loss!.value).toBeCloseTo(await lossOf(layers), 5);
  const mlp = cell("model.layers.1.mlp", "b");
  expect(mlp.alpha).toBe(0.75);
  expect(mlp.loss!.value).toBeCloseTo(await lossOf(["model.layers.1.mlp=0.75"], "b"), 5);
  const { a: one, b: other } = document.ends;
  expect(mlp.loss!.barrier).toBeCloseTo(mlp.loss!.value! - (0.25 * one.loss! + 0.75 * other.loss!), 5);
  expect(cell("model.norm", "a")).toBeUndefined(); // it is not averaged
  expect(document.verdict.reason).toContain("each at its own alpha");
});

it("writes a single file from two folders if --out names one, and checks it", async () => {
  const within = temporaryFolder();
  const { a, b, out } = await twoFolders(within);
  for (const end of [a, b]) {
    const own = await read(end);
    const bare = new Map([...own].map(([name, value]) => [name.replace(/^model\./, ""), value])); // older names
    await writeTensors(join(end, "model.safetensors"), "safetensors", bare);
  }
  const data = { name: join(within, "text.txt"), context: 16, samples: 4 };
  writeFileSync(data.name, "To be, or not to be, that is the question.\n".repeat(4));
  const measure = { a, b, model: {}, data, scans: [] };
  const checked = await merge({ a, b, out: `${out}.safetensors`, layers: ["head"], measure });
  expect(checked.checked!.samples).toBe(4);
  const record = await merge({ a, b, out: `${out}.safetensors`, layers: ["lm_head"] });
  expect(record.out.files).toBeUndefined();
  expect(existsSync(`${out}.safetensors.merge.json`)).toBe(true);
  const [x, y, merged] = [await read(a), await read(b), await readTensors(`${out}.safetensors`)];
  expect(bytesOf(merged.get("lm_head.weight")!)).toEqual(
    bytesOf(mean(x.get("lm_head.weight")!, y.get("lm_head.weight")!)),
  );
});

const root = sharedPath("fixtures/huggingface");
const expectedOf = (variant: string) => JSON.parse(readFileSync(join(root, variant, "expected.json"), "utf8"));

describe.skipIf(!hasShared)(`merged folders${hasShared ? "" : " (skipped: ../shared is missing)"}`, () => {
  for (const variant of ["llama", "gpt_neox", "mistral", "qwen2"])
    it(`have the tensors of transformers' average: ${variant}`, async () => {
      const [a, b] = ["a", "b"].map((end) => join(root, variant, end));
      const { merged } = expectedOf(variant) as { merged: Record<string, Record<string, { sha256: string }>> };
      for (const [alpha, tensors] of Object.entries(merged)) {
        const out = join(temporaryFolder(), "merged");
        await merge({ a, b, out, alpha: Number(alpha) });
        const found = await readTensors(join(out, "model.safetensors"));
        const digests = [...found].map(([name, value]) => [name, sha256(bytesOf(value))]);
        const wanted = Object.entries(tensors).map(([name, one]) => [name, one.sha256]);
        expect(Object.fromEntries(digests)).toEqual(Object.fromEntries(wanted));
        expect(existsSync(join(out, "generation_config.json"))).toBe(true);
      }
    });

  for (const variant of ["lora", "lora-rslora", "lora-patterns", "lora-head", "lora-gpt2", "gpt2-bin", "llama-bias"])
    it(`have the loss of transformers' and peft's average: ${variant}`, async () => {
      const [a, b] = ["a", "b"].map((end) => join(root, variant, end));
      const { context, windows, full } = expectedOf(variant === "gpt2-bin" ? "gpt2" : variant);
      const out = join(temporaryFolder(), "merged");
      await merge({ a, b, out });
      const data = { name: sharedPath("data/shakespeare/input.txt"), context, samples: windows };
      const { document } = await measure({ a: out, b: out, model: {}, data, scans: [] });
      expect(Math.abs(document.ends.a.loss! - full.loss)).toBeLessThan(2e-6);
    });
});
