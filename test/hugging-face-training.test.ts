// Training that goes on from a Hugging Face folder: the gradients of its network, the recipe, the checkpoints and folders that it leaves, and what is refused.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { openCheckpoint, readAll } from "../src/checkpoints/index.ts";
import { type MeasureOptions, measure, parseMeasurement } from "../src/connectivity/index.ts";
import { fromNumbers, sizeOf, type Tensor, tensor, toNumbers } from "../src/core/index.ts";
import { readRecipe, reproduce } from "../src/experiments/index.ts";
import train from "../src/experiments/networks/train.work.ts";
import { networkHash, recipeHash } from "../src/experiments/recipe/index.ts";
import { Graph, reduceSum } from "../src/graph/index.ts";
import type { JsonObject } from "../src/hub/config.ts";
import { modelOf, openText, openWeights, readModelFolder } from "../src/hub/index.ts";
import { holderOf, scoresOf } from "../src/models/index.ts";
import { sgd, Stepper } from "../src/training/index.ts";
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
    ...(changes.model ? { model: changes.model } : {}),
  };
};
let recipes = 0;

/** Writes a recipe, beside the folder and the text, and reads it. */
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

/** Small networks of three families, with what sets them apart: a tied head and positions; shared keys; soft caps, a window and offset norms. */
const families: Readonly<Record<string, JsonObject>> = {
  gpt2: { model_type: "gpt2", n_embd: 16, n_head: 2, n_layer: 2, n_positions: 12, vocab_size: 256 },
  llama: tinyLlama,
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
  it("follows the gradient of the loss that measuring takes, over the labels that count", async () => {
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
      return toNumbers(loss).reduce((sum, x, i) => sum + x * data.weights![i], 0) / total;
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
