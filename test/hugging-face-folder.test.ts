// Tiny Hugging Face folders, made here: a closed form, segments, groups, and refusals.
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { openCheckpoint } from "../src/checkpoints/index.ts";
import { type MeasureOptions, measure } from "../src/connectivity/index.ts";
import { type Tensor, tensor, toNumbers } from "../src/core/index.ts";
import { openWeights, readModelFolder } from "../src/hub/index.ts";
import { temporaryFolder } from "./checkpoints.ts";
import { tinyLlama, writeModelFolder } from "./model-folder.ts";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const text = "The quick brown fox jumps over the lazy dog; naïve cafés are 日本語.\n".repeat(9);
const context = 12;
const samples = 40;
const data = { name: at("text.txt"), context, samples };
const pair = (a: string, b: string, more: Partial<MeasureOptions> = {}): MeasureOptions => ({
  a: at(a),
  b: at(b),
  model: {},
  data,
  scans: ["single", "full"],
  ...more,
});

/** Blocks that add nothing, so a token's logits depend only on its embedding. */
const silent = (name: string, own: Tensor): Tensor =>
  /(o_proj|down_proj)\.weight$/.test(name) ? tensor("float32", own.shape) : own;

beforeAll(async () => {
  writeFileSync(data.name, text);
  await writeModelFolder(at("a"), 1);
  await writeModelFolder(at("b"), 2);
  await writeModelFolder(at("silent-a"), 1, silent);
  await writeModelFolder(at("silent-b"), 2, silent);
});

/** The mean loss in nats of weights whose blocks add nothing, in double precision. */
async function lossOf(path: string): Promise<number> {
  const file = await openCheckpoint(join(path, "model.safetensors"));
  const read = async (name: string) => toNumbers(await file.read(name));
  const [embedding, norm, head] = await Promise.all(
    ["model.embed_tokens.weight", "model.norm.weight", "lm_head.weight"].map(read),
  );
  await file.close();
  const bytes = Buffer.from(text);
  const width = norm.length;
  let sum = 0;
  for (let i = 0; i < samples * context; i++) {
    const x = Array.from({ length: width }, (_, j) => embedding[bytes[i] * width + j]);
    const size = Math.sqrt(x.reduce((total, v) => total + v * v, 0) / width + 1e-6);
    const logits = Array.from({ length: 256 }, (_, k) =>
      x.reduce((total, v, j) => total + (v / size) * norm[j] * head[k * width + j], 0),
    );
    sum += Math.log(logits.reduce((total, v) => total + Math.exp(v), 0)) - logits[bytes[i + 1]];
  }
  return sum / (samples * context);
}

describe("two folders", () => {
  it("have closed-form losses if blocks add nothing", async () => {
    const { document } = await measure(pair("silent-a", "silent-b"));
    for (const end of ["a", "b"] as const)
      expect(Math.abs(document.ends[end].loss! - (await lossOf(at(`silent-${end}`))))).toBeLessThan(2e-6);
    for (const base of ["a", "b"]) {
      const cell = document.cells.find((one) => one.layer === "model.layers.0" && one.base === base)!;
      expect(Math.abs(cell.loss!.value! - document.ends[base as "a" | "b"].loss!)).toBeLessThan(1e-6);
    }
  });

  it("have blocks, halves of blocks, or modules as layers", async () => {
    const layersBy = async (group: MeasureOptions["group"]) =>
      (await measure(pair("a", "b", { group, scans: ["full"] }))).document.layers.map(({ name }) => name);
    expect(await layersBy(undefined)).toEqual(["embeddings", "model.layers.0", "model.layers.1", "norm", "head"]);
    expect(await layersBy("sublayer")).toEqual([
      "model.embed_tokens",
      ...[0, 1].flatMap((i) =>
        ["self_attn", "mlp", "input_layernorm", "post_attention_layernorm"].map((name) => `model.layers.${i}.${name}`),
      ),
      "model.norm",
      "lm_head",
    ]);
    expect((await layersBy("module")).slice(0, 3)).toEqual([
      "model.embed_tokens",
      "model.layers.0.self_attn.q_proj",
      "model.layers.0.self_attn.k_proj",
    ]);
  });

  it("are read without running the code that they bring, with a note", async () => {
    const config = { ...tinyLlama, auto_map: { AutoConfig: "modeling_my.MyConfig" } };
    await writeModelFolder(at("coded"), 4, undefined, config);
    const weights = await openWeights(await readModelFolder(at("coded")));
    await weights.close();
    expect(weights.notes?.[0]).toContain("names code of its own (auto_map), which is never run");
  });

  it("give the same numbers segment by segment", async () => {
    const [one, other] = [await measure(pair("a", "b")), await measure(pair("a", "b", { memory: 1 }))];
    for (const [i, cell] of one.document.cells.entries())
      expect(Math.abs(other.document.cells[i].loss!.value! - cell.loss!.value!)).toBeLessThan(1e-6);
  });
});

describe("refuses", () => {
  const refused = (a: string, b: string, more: Partial<MeasureOptions> = {}) =>
    measure(pair(a, b, more)).then(
      () => "",
      (error: Error) => error.message,
    );

  it("folders of other sizes, naming them", async () => {
    const wide = { ...tinyLlama, intermediate_size: 32 };
    await writeModelFolder(at("wide"), 3, undefined, wide);
    expect(await refused("a", "wide")).toContain("block 0 mlp.width is 24 and 32");
  });

  it("a key that its weights do not have, and integer weights", async () => {
    expect(await refused("a", "b", { keys: { a: "ema" } })).toContain(`has no dictionary "ema"`);
    const codes = (_: string, own: Tensor) => tensor("int8", own.shape);
    await writeModelFolder(at("codes"), 3, codes);
    expect(await refused("codes", "codes")).toContain("is int8, so it holds quantised codes");
  });

  it("a folder with a file", async () => {
    expect(await refused("a", "a/model.safetensors")).toContain("is a folder, but");
  });

  it("a network by name, unless a folder describes none that can be evaluated", async () => {
    for (const name of ["gpt", "torchvision:resnet18"])
      expect(await refused("a", "b", { model: { name } })).toBe(
        `${at("a")} and ${at("b")} are Hugging Face folders, which describe their own network, so --model ${name} does not apply. Omit it.`,
      );
    await writeModelFolder(at("own"), 4);
    writeFileSync(at("own/config.json"), JSON.stringify({ model_type: "my-gpt" }));
    expect(await refused("own", "own", { model: { name: "gpt" } })).toContain("does not fit model gpt");
  });

  it("samples that are not text, splits of a single file, too many windows", async () => {
    expect(await refused("a", "b", { data: { name: "cifar10" } })).toContain("cifar10 is not a text");
    expect(await refused("a", "b", { data: { ...data, split: "test" } })).toContain(
      "is a single file, so it has no splits",
    );
    expect(await refused("a", "b", { data: { ...data, samples: 1000 } })).toContain("windows of 12 tokens, but 1000");
  });

  it("a folder whose file was removed", async () => {
    await writeModelFolder(at("empty"), 4);
    rmSync(join(at("empty"), "model.safetensors"));
    expect(await refused("empty", "empty")).toContain("has no weights");
  });

  it("weights under other names", async () => {
    await writeModelFolder(at("renamed"), 4);
    renameSync(join(at("renamed"), "model.safetensors"), join(at("renamed"), "weights.safetensors"));
    expect(await refused("renamed", "renamed")).toContain(
      "renamed contains weights.safetensors, but none of model.safetensors, model.safetensors.index.json, pytorch_model.bin, pytorch_model.bin.index.json. Give the file with the weights, or rename it.",
    );
    renameSync(join(at("renamed"), "weights.safetensors"), join(at("renamed"), "ft-model-00001-of-00002.safetensors"));
    writeFileSync(join(at("renamed"), "ft-model-00002-of-00002.safetensors"), "");
    expect(await refused("renamed", "renamed")).toContain(
      "renamed contains shards (ft-model-00001-of-00002.safetensors, ft-model-00002-of-00002.safetensors) without an index. In Python, load all of them into one dictionary",
    );
  });

  it.each([
    ["not JSON", "x.jsonl", "{", "Line 1 of"],
    ["of no document", "y.jsonl", '{"body": "x"}\n', "has the fields body"],
    ["of messages without a role", "z.jsonl", '{"messages": [{}]}\n', "messages without a role"],
    [
      "of messages without a template",
      "m.jsonl",
      '{"messages": [{"role": "user", "content": "x"}]}\n',
      "no chat template",
    ],
    ["not parquet", "p.parquet", "PAR0", "cannot be read as parquet"],
  ])("a text that is %s", async (_, name, content, says) => {
    writeFileSync(at(name), content);
    expect(await refused("a", "b", { data: { name: at(name), context } })).toContain(says);
  });
});
