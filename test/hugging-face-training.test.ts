// Training from a Hugging Face folder: the gradients of its network, the recipe, the checkpoints and folders that it
// writes, and refusals.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { openCheckpoint, readAll } from "../src/checkpoints/index.ts";
import { measure } from "../src/connectivity/index.ts";
import { fromNumbers, sizeOf, type Tensor, tensor, toNumbers } from "../src/core/index.ts";
import { readRecipe, reproduce } from "../src/experiments/index.ts";
import train from "../src/experiments/networks/train.work.ts";
import { networkHash, recipeHash } from "../src/experiments/recipe/index.ts";
import { Graph, reduceSum } from "../src/graph/index.ts";
import type { JsonObject } from "../src/hub/config.ts";
import { modelOf, openText, openWeights, readModelFolder } from "../src/hub/index.ts";
import { holderOf, scoresOf } from "../src/models/index.ts";
import { Stepper, sgd } from "../src/training/index.ts";
import { temporaryFolder } from "./checkpoints.ts";
import { evaluate } from "./differences.ts";
import { tinyLlama, writeModelFolder } from "./model-folder.ts";

const folder = temporaryFolder();
const at = (...names: string[]) => join(folder, ...names);
const sentence = "The quick brown fox jumps over the lazy dog; naïve cafés are 日本語.\n";

const recipeOf = (changes: Record<string, object> = {}) => {
  const { data, pair, training, measure } = changes;
  return {
    pair: { init: "init", order_seeds: [5, 7], ...pair },
    data: { name: "text", context: 12, ...data },
    training: { steps: 6, batch: 8, optimiser: "adamw", lr: 0.01, warmup_steps: 2, ...training },
    measure: { every: 3, scans: ["single"], samples: 8, ...measure },
    ...Object.fromEntries(Object.entries(changes).filter(([key]) => ["model", "federated"].includes(key))),
  };
};
let recipes = 0;

/** Writes a recipe next to the folder and the text, and reads it. */
async function read(changes?: Record<string, object>) {
  const path = at(`recipe-${recipes++}.yaml`);
  writeFileSync(path, stringify(recipeOf(changes)));
  return readRecipe(path);
}

beforeAll(async () => {
  await writeModelFolder(at("init"), 1, (name, own) =>
    /norm/.test(name) ? own : fromNumbers("bfloat16", own.shape, toNumbers(own)),
  );
  const config = JSON.parse(readFileSync(at("init/config.json"), "utf8"));
  writeFileSync(at("init/config.json"), JSON.stringify({ ...config, torch_dtype: "bfloat16", rms_norm_eps: 1e-5 }));
  cpSync(at("init"), at("moved/init"), { recursive: true });
  for (const place of ["text", "moved/text"]) {
    mkdirSync(at(place), { recursive: true });
    const rows = (n: number) => Array.from({ length: n }, (_, i) => JSON.stringify({ text: `${i}: ${sentence}` }));
    writeFileSync(at(place, "train.jsonl"), rows(12).join("\n"));
    writeFileSync(at(place, "valid.jsonl"), rows(4).join("\n"));
  }
  writeFileSync(at("one.txt"), sentence.repeat(9));
  const asked = { prompt: "The quick brown", completion: " fox jumps over the lazy dog" };
  writeFileSync(at("asked.jsonl"), `${JSON.stringify(asked)}\n`.repeat(8));
});

/** Small networks of every decoder family, with its distinguishing settings. */
const families: Readonly<Record<string, JsonObject>> = {
  gpt2: { model_type: "gpt2", n_embd: 16, n_head: 2, n_layer: 2, n_positions: 12, vocab_size: 256 },
  gpt_neox: {
    model_type: "gpt_neox",
    hidden_size: 16,
    intermediate_size: 24,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    max_position_embeddings: 64,
    vocab_size: 256,
    rotary_pct: 0.5,
    use_parallel_residual: true,
  },
  llama: tinyLlama,
  mistral: { ...tinyLlama, model_type: "mistral", architectures: ["MistralForCausalLM"], sliding_window: 4 },
  qwen2: { ...tinyLlama, model_type: "qwen2", architectures: ["Qwen2ForCausalLM"], tie_word_embeddings: true },
  qwen3: { ...tinyLlama, model_type: "qwen3", architectures: ["Qwen3ForCausalLM"], head_dim: 8 },
  smollm3: { ...tinyLlama, model_type: "smollm3", architectures: ["SmolLM3ForCausalLM"], no_rope_layers: [1, 0] },
  phi3: { ...tinyLlama, model_type: "phi3", architectures: ["Phi3ForCausalLM"], pad_token_id: 0 },
  olmo2: { ...tinyLlama, model_type: "olmo2", architectures: ["Olmo2ForCausalLM"] },
  gemma3_text: {
    ...tinyLlama,
    model_type: "gemma3_text",
    architectures: ["Gemma3ForCausalLM"],
    head_dim: 4,
    query_pre_attn_scalar: 4,
    sliding_window: 4,
    layer_types: ["sliding_attention", "full_attention"],
    tie_word_embeddings: true,
  },
  gemma2: {
    ...tinyLlama,
    model_type: "gemma2",
    architectures: ["Gemma2ForCausalLM"],
    head_dim: 4,
    query_pre_attn_scalar: 4,
    sliding_window: 4,
    attn_logit_softcapping: 1,
    final_logit_softcapping: 3,
    tie_word_embeddings: true,
  },
};

describe.each(Object.keys(families))("a training step of %s", (type) => {
  it("follows the gradient of the measured loss, over the labels that count", async () => {
    const path = await writeModelFolder(at(type), 3, undefined, families[type]);
    const model = modelOf(await readModelFolder(path));
    const holder = holderOf(model.tied);
    const file = await openWeights(await readModelFolder(path));
    const start = new Map([...(await readAll(file))].filter(([name]) => holder(name) === name));
    await file.close();
    const data = await openText(at("asked.jsonl"), { context: 12, samples: 6 }, [await readModelFolder(path)]);
    expect(Math.min(...data.weights!)).toBe(0);
    const batch = data.batch(Array.from({ length: data.count }, (_, i) => i));

    const rate = 0.5;
    const stepper = new Stepper(
      {
        model: { ...model, forward: ({ input }, weights) => model.forward({ input_ids: input }, weights) },
        optimiser: sgd({ momentum: 0, weightDecay: 0 }),
        areSomeIgnored: true,
        runtime: { threads: 1 },
      },
      start,
    );
    const [{ loss }] = await stepper.steps([batch], 0, [rate]);
    const moved = stepper.state;
    await stepper.dispose();

    const graph = new Graph();
    const shapes = new Map(model.parameters.map((p) => [p.name, p.shape]));
    const weight = (name: string) => graph.input(holder(name), "float32", shapes.get(name)!);
    const [n, t] = batch.labels.shape;
    const logits = model.forward({ input_ids: graph.input("input_ids", "int64", [n, t]) }, weight);
    const scores = scoresOf(logits, graph.input("labels", "int64", [n, t]), true);
    const each = { loss: scores.loss, sum: reduceSum(scores.loss, [0]) };
    const total = data.weights!.reduce((sum, count) => sum + count, 0);
    /** The mean over the labels that count, with some parameters in place of the first ones. */
    const lossWith = async (changes: Readonly<Record<string, Tensor>> = {}) => {
      const { loss } = await evaluate(each, {
        ...Object.fromEntries(start),
        ...changes,
        input_ids: batch.inputs.input_ids,
        labels: batch.labels,
      });
      return Array.from(toNumbers(loss)).reduce((sum, x, i) => sum + x * data.weights![i], 0) / total;
    };
    expect(Math.abs(loss - (await lossWith()))).toBeLessThan(2e-6);

    for (const [name, own] of start) {
      const [x, y] = [toNumbers(own), toNumbers(moved[name])];
      const gradient = Float64Array.from(x, (value, i) => (value - y[i]) / rate);
      const length = Math.hypot(...gradient);
      expect(length, name).toBeGreaterThan(1e-4);
      const step = 0.01;
      const along = (sign: number) => x.map((value, i) => value + (sign * step * gradient[i]) / length);
      const [high, low] = await Promise.all(
        [1, -1].map((sign) => lossWith({ [name]: tensor("float32", own.shape, Array.from(along(sign))) })),
      );
      expect(Math.abs((high - low) / (2 * step) / length - 1), name).toBeLessThan(0.02);
    }
  });
});

/** Trains one network of a recipe in a run's folder, from one step to another. */
const trainPart = async (recipe: Awaited<ReturnType<typeof read>>, run: string, from: number, until: number) => {
  mkdirSync(run, { recursive: true });
  await train({ recipe, network: "b", run, round: { from, until }, runtime: { threads: 1 } }, () => {});
};

const tensorsIn = async (path: string) => {
  const file = await openCheckpoint(path);
  const all = await readAll(file);
  await file.close();
  return all;
};

describe("a pair trained from a folder", () => {
  it("starts from its weights in single precision, and ends with the same bytes after an interruption", async () => {
    const recipe = await read();
    await trainPart(recipe, at("whole"), 0, 6);
    await trainPart(recipe, at("cut"), 0, 3);
    rmSync(at("cut/b/epoch-0000.safetensors"));
    await trainPart(recipe, at("cut"), 0, 6);
    const [whole, cut] = ["whole", "cut"].map((run) => readFileSync(at(run, "b/epoch-0006.safetensors")));
    expect(cut.equals(whole)).toBe(true);
    const [stored, start, end] = await Promise.all(
      ["init/model", "whole/b/epoch-0000", "whole/b/epoch-0006"].map((name) => tensorsIn(at(`${name}.safetensors`))),
    );
    expect([...start.keys()].sort()).toEqual([...stored.keys()].sort());
    for (const [name, own] of stored) {
      expect(start.get(name)!.dtype).toBe("float32");
      expect(toNumbers(start.get(name)!)).toEqual(Float32Array.from(toNumbers(own)));
      expect(toNumbers(end.get(name)!)).not.toEqual(toNumbers(start.get(name)!));
    }
  });

  it("is measured over its epochs, and writes folders that can be measured like any others", async () => {
    const epochs = { steps: undefined, epochs: 2, batch: 1000, lr: [0.01, 0.02] };
    const recipe = await read({ training: epochs, measure: { every: 1, samples: "all", splits: ["train", "valid"] } });
    const runs = at("runs");
    const { written } = await reproduce([recipe], { runs, engine: { threads: 1 } });
    const [{ folder: run, record, page }] = written;
    const points = record.measurements.map(({ epoch, split }) => `${epoch} ${split}`);
    expect(points).toEqual([0, 1, 2].flatMap((epoch) => [`${epoch} train`, `${epoch} valid`]));
    const ends = record.measurements.flatMap(({ split, document }) => (split === "train" ? [document.ends] : []));
    // a batch has all windows, so an epoch's loss is that of the network before the epoch
    for (const network of ["a", "b"] as const) {
      const logged = record.log.filter((entry) => entry.network === network);
      for (const [i, { loss, error }] of logged.entries()) {
        expect(Math.abs(loss - ends[i][network].loss!)).toBeLessThan(2e-6);
        expect(Math.abs(error - ends[i][network].error!)).toBeLessThan(1e-4);
      }
      expect(ends[2][network].loss!).toBeLessThan(ends[0][network].loss! - 0.05);
    }
    expect(ends[0].a).toEqual(ends[0].b);
    expect(ends[2].a.loss).not.toBe(ends[2].b.loss);

    const [, last] = [...record.measurements].reverse();
    expect(last.document.data).toMatchObject({ split: "train" });
    expect(last.document.layers.map(({ name }) => name)).toEqual([
      "embeddings",
      "model.layers.0",
      "model.layers.1",
      "norm",
      "head",
    ]);
    expect(readFileSync(page, "utf8")).toContain("model.layers.1");
    const common = { data: { name: at("text"), context: 12, split: "train" }, scans: ["single"] } as const;
    const folders = await measure({ a: join(run, "a"), b: join(run, "b"), model: {}, ...common });
    expect(folders.document.ends).toEqual(last.document.ends);
    const at2 = (network: string) => join(run, network, "epoch-0002.safetensors");
    const files = await measure({ a: at2("a"), b: at2("b"), model: { name: at("init") }, ...common });
    expect(files.document.cells).toEqual(folders.document.cells);

    const config = readFileSync(join(run, "a/config.json"), "utf8");
    expect(config).toBe(readFileSync(at("init/config.json"), "utf8").replace("bfloat16", "float32"));
    expect(config).toContain("float32");
    expect(readdirSync(join(run, "a"))).toEqual(expect.arrayContaining(["tokenizer.json", "tokenizer_config.json"]));
    const again = await reproduce([recipe], { runs, engine: { threads: 1 } });
    expect(again.written[0].record).toEqual(record);
  });

  it("learns only from completions if prompts do not count", async () => {
    const recipe = await read({
      data: { name: "asked.jsonl" },
      training: { steps: undefined, epochs: 2, batch: 1000 },
      measure: { splits: ["train"] },
    });
    await trainPart(recipe, at("asked"), 0, 2);
    const pair = { a: at("asked/b/epoch-0000.safetensors"), b: at("asked/b/epoch-0002.safetensors") };
    const { document } = await measure({
      ...pair,
      model: { name: at("init") },
      data: { name: at("asked.jsonl"), context: 12 },
      scans: ["full"],
    });
    const [first] = readFileSync(at("asked/log.ndjson"), "utf8").trim().split("\n");
    expect(Math.abs(JSON.parse(first).loss - document.ends.a.loss!)).toBeLessThan(2e-6);
    expect(document.ends.b.loss!).toBeLessThan(document.ends.a.loss!);
  });

  it("is named by the contents of the folder and the text, wherever they are", async () => {
    const recipe = await read();
    const hash = recipeHash(recipe);
    writeFileSync(at("moved/recipe.yaml"), stringify(recipeOf()));
    expect(recipeHash(await readRecipe(at("moved/recipe.yaml")))).toBe(hash);
    writeFileSync(at("moved/text/valid.jsonl"), "{}"); // not used in training
    expect(recipeHash(await readRecipe(at("moved/recipe.yaml")))).toBe(hash);
    writeFileSync(at("moved/text/train.jsonl"), `{"text": "other"}\n`);
    const other = recipeHash(await readRecipe(at("moved/recipe.yaml")));
    expect(other).not.toBe(hash);
    await writeModelFolder(at("moved/init"), 2);
    expect(recipeHash(await readRecipe(at("moved/recipe.yaml")))).not.toBe(other);
    const rates = await read({ training: { lr: [0.01, 0.02] } });
    expect(recipeHash(rates)).not.toBe(hash);
    expect([0, 1].map((i) => networkHash(rates, i) === networkHash(recipe, i))).toEqual([true, false]);
  });
});

describe("refuses", () => {
  const refused = (changes: Record<string, object>) =>
    read(changes)
      .then((recipe) => reproduce([recipe], { runs: at("none"), engine: { threads: 1 } }))
      .then(
        () => "",
        (error: Error) => error.message,
      );

  it.each<[string, Record<string, object>, string]>([
    ["a missing folder", { pair: { init: "nowhere" } }, "nowhere is not `same`, `different`, or a Hugging"],
    ["a name that the cache lacks", { pair: { init: "no/where" } }, "no/where is neither a path nor a model in the"],
    ["a folder without a config", { pair: { init: "text" } }, "text has no config.json"],
    [
      "a network in addition to the folder",
      { model: { name: "gpt" } },
      "model: the folder in pair.init sets the network",
    ],
    ["a context elsewhere", { pair: { init: "same" } }, "data.context: is only for a pair that starts from a folder"],
    ["images", { data: { name: "cifar10" } }, "cifar10 is not a text"],
    ["a missing text", { data: { name: "no.txt" } }, "no.txt: there is no such file"],
    ["a missing split", {}, "has no split test. Its splits are train, valid. Choose one of them with --split (measure"],
    [
      "a split of a single file",
      { data: { name: "one.txt" } },
      "has no splits. Omit --split (in a recipe: measure.splits",
    ],
    ["windows longer than the text", { data: { context: 5000 } }, "which is less than one window of 5000 tokens"],
    [
      "two rates for clients",
      { training: { lr: [1, 2] }, federated: {} },
      "training.lr: clients share one learning rate",
    ],
  ])("%s", async (_, changes, message) => {
    expect(await refused(changes)).toContain(message);
    expect(existsSync(at("none"))).toBe(false);
  });

  it("windows longer than the positions, a text in which nothing counts, weights that are not finite", async () => {
    await writeModelFolder(at("positions"), 3, undefined, families.gpt2);
    expect(await refused({ pair: { init: "positions" }, data: { context: 13 } })).toContain("has 12 positions, but");
    writeFileSync(at("empty.jsonl"), `${JSON.stringify({ prompt: sentence.repeat(9), completion: "" })}\n`);
    const only = { data: { name: "empty.jsonl", samples: 4 }, measure: { splits: ["train"] } };
    expect(await refused(only)).toContain("counts in the loss");
    const broken = (name: string, own: Tensor) =>
      name === "lm_head.weight" ? tensor("float32", own.shape, Array(sizeOf(own.shape)).fill(Number.NaN)) : own;
    await writeModelFolder(at("broken"), 3, broken);
    const recipe = await read({ pair: { init: "broken" } });
    await expect(trainPart(recipe, at("broken-run"), 0, 1)).rejects.toThrow(
      "NaN or infinite weights in lm_head.weight",
    );
  });
});
