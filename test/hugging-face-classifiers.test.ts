// Tiny encoders, made here: closed-form losses, padding without effect, layers, and refusals.
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { type MeasureOptions, measure } from "../src/connectivity/index.ts";
import { type Tensor, tensor } from "../src/core/index.ts";
import type { JsonObject } from "../src/hub/config.ts";
import { checkPair, openWeights, readModelFolder } from "../src/hub/index.ts";
import { merge } from "../src/merging/index.ts";
import { readTensors, temporaryFolder, writeNew, writeTensors } from "./checkpoints.ts";
import { tinyBert, writeModelFolder } from "./model-folder.ts";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);

const config: JsonObject = {
  ...tinyBert,
  max_position_embeddings: 16,
  id2label: { 0: "calm", 1: "glad", 2: "sad" },
};
const biases = { a: [1, -2, 0.5], b: [-1, 0.25, 3] };

/** A classifier whose scores are its bias, for any text. */
const constant = (end: "a" | "b", count: number) => (name: string, own: Tensor) =>
  name === "classifier.weight"
    ? tensor("float32", own.shape)
    : name === "classifier.bias"
      ? tensor("float32", [count], biases[end].slice(0, count))
      : own;

const ids = tensor(
  "int64",
  [4, 6],
  Array.from({ length: 24 }, (_, i) => (7 * i) % 251),
);
const mask = tensor(
  "int64",
  [4, 6],
  Array.from({ length: 24 }, (_, i) => Number(i % 6 < 3 + (i % 4))),
);

async function measured(
  [a, b]: readonly [string, string],
  arrays: Record<string, Tensor>,
  more: Partial<MeasureOptions> = {},
) {
  const path = await writeNew({ input_ids: ids, attention_mask: mask, ...arrays }, "npz");
  const data = { name: `npz:${path}` };
  return (await measure({ a: at(a), b: at(b), model: {}, data, scans: ["single", "full"], ...more })).document;
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const classes = { labels: tensor("int64", [4], [0, 1, 2, 1]) };

beforeAll(async () => {
  for (const [seed, end] of (["a", "b"] as const).entries()) {
    await writeModelFolder(at(end), seed, undefined, config);
    await writeModelFolder(at(`constant-${end}`), seed, constant(end, 3), config);
    const regression = { ...config, id2label: { 0: "LABEL_0" } };
    await writeModelFolder(at(`values-${end}`), seed, constant(end, 1), regression);
    const masked = { ...config, architectures: ["BertForMaskedLM"] };
    await writeModelFolder(at(`masked-${end}`), seed, undefined, masked);
  }
});

describe("a classifier", () => {
  it("has the cross entropy of its scores", async () => {
    const { ends, model } = await measured(["constant-a", "constant-b"], classes);
    for (const end of ["a", "b"] as const) {
      const own = biases[end];
      const total = Math.log(own.reduce((sum, x) => sum + Math.exp(x), 0));
      expect(ends[end].loss).toBeCloseTo(mean([0, 1, 2, 1].map((label) => total - own[label])), 6);
      const best = own.indexOf(Math.max(...own));
      expect(ends[end].error).toBeCloseTo(100 * mean([0, 1, 2, 1].map((label) => Number(label !== best))), 6);
    }
    expect(model.task).toBe("classification of 3 classes (calm, glad, sad)");
  });

  it("has the binary cross entropy of rows of labels if its config does not name the problem", async () => {
    const rows = [
      [1, 0, 1],
      [0, 0, 0],
      [1, 1, 0],
      [0, 1, 1],
    ];
    const document = await measured(["constant-a", "constant-b"], { labels: tensor("float32", [4, 3], rows.flat()) });
    for (const end of ["a", "b"] as const) {
      const losses = rows.map((row) =>
        mean(row.map((y, i) => Math.log(1 + Math.exp(biases[end][i])) - y * biases[end][i])),
      );
      expect(document.ends[end].loss).toBeCloseTo(mean(losses), 6);
      const wrong = rows.map((row) => mean(row.map((y, i) => Number(biases[end][i] > 0 !== y > 0.5))));
      expect(document.ends[end].error).toBeCloseTo(100 * mean(wrong), 4);
    }
    expect(document.model.task).toContain("3 yes-or-no labels");
    expect(document.notes?.join()).toContain("no problem_type");
  });

  it("has the squared error of values, and no error in percent", async () => {
    const labels = tensor("float32", [4], [0, 1, 2.5, -1]);
    const { ends, metrics } = await measured(["values-a", "values-b"], { labels });
    expect(ends.a.loss).toBeCloseTo(mean([0, 1, 2.5, -1].map((y) => (y - biases.a[0]) ** 2)), 5);
    expect(metrics).toEqual(["loss"]);
  });

  it("does not see padding of any length", async () => {
    const wide = (own: Tensor, rest: number) =>
      tensor(
        "int64",
        [4, 9],
        Array.from({ length: 36 }, (_, i) => (i % 9 < 6 ? own.data[6 * Math.floor(i / 9) + (i % 9)] : rest)).map(
          Number,
        ),
      );
    const one = await measured(["a", "b"], classes);
    const other = await measured(["a", "b"], { ...classes, input_ids: wide(ids, 99), attention_mask: wide(mask, 0) });
    const changed = await measured(["a", "b"], {
      ...classes,
      attention_mask: tensor("int64", [4, 6], Array(24).fill(1)),
    });
    const differences = (cells: typeof one.cells) =>
      one.cells.map(({ loss }, i) => Math.abs(cells[i].loss!.value! - loss!.value!));
    expect(Math.max(...differences(other.cells))).toBeLessThan(1e-6);
    expect(Math.max(...differences(changed.cells))).toBeGreaterThan(1e-5);
  });

  it("gives the same numbers segment by segment", async () => {
    const [one, other] = [await measured(["a", "b"], classes), await measured(["a", "b"], classes, { memory: 1 })];
    for (const [i, { loss }] of one.cells.entries()) expect(other.cells[i].loss!.value).toBeCloseTo(loss!.value!, 6);
  });

  it("has blocks and modules as layers; a tied decoder belongs to the embeddings", async () => {
    const labels = tensor(
      "int64",
      [4, 6],
      Array.from({ length: 24 }, (_, i) => (i % 5 ? -100 : i)),
    );
    const { layers, notes } = await measured(["masked-a", "masked-b"], { labels });
    expect(layers.map(({ name }) => name)).toEqual([
      ...["word_embeddings", "position_embeddings", "token_type_embeddings", "LayerNorm"].map(
        (name) => `bert.embeddings.${name}`,
      ),
      "bert.encoder.layer.0",
      "bert.encoder.layer.1",
      "cls.predictions",
      "cls.predictions.transform.dense",
      "cls.predictions.transform.LayerNorm",
    ]);
    expect(layers[0].parameters).toContain("cls.predictions.decoder.weight");
    expect(notes?.join()).toContain("19 of 24 labels are negative and do not count");
  });
});

describe("labelled texts", () => {
  const rows = [
    { text: "Well done!", label: "Glad" },
    { text: "Hm.", label: "calm" },
    { text: "Why did it have to be like this?", label: "sad" },
  ];
  const write = (name: string, own: readonly object[]) => {
    writeFileSync(at(name), own.map((row) => `${JSON.stringify(row)}\n`).join(""));
    return { name: at(name), context: 12 };
  };
  const read = async (data: MeasureOptions["data"], ends = ["a", "b"]) =>
    (await measure({ a: at(ends[0]), b: at(ends[1]), model: {}, data, scans: ["full"] })).document;

  it("give the same results as arrays of their tokens", async () => {
    const document = await read(write("rows.jsonl", rows));
    const bytes = rows.map(({ text }) => [...Buffer.from(text)].slice(0, 12));
    const wide = (of: (row: number[], t: number) => number) =>
      tensor(
        "int64",
        [3, 12],
        bytes.flatMap((row) => Array.from({ length: 12 }, (_, t) => of(row, t))),
      );
    const arrays = {
      input_ids: wide((row, t) => row[t] ?? 200),
      attention_mask: wide((row, t) => Number(t < row.length)),
      labels: tensor("int64", [3], [1, 0, 2]),
    };
    const other = await measured(["a", "b"], arrays);
    expect(document.ends.a.loss).toBeCloseTo(other.ends.a.loss!, 6);
    expect(document.ends.b.loss).toBeCloseTo(other.ends.b.loss!, 6);
    expect(document.notes?.join()).toContain("1 of 3 texts are longer than 12 tokens");
  });

  it("have a hash of only the samples that are used", async () => {
    const whole = await read({ ...write("rows.jsonl", rows), samples: 2 });
    const part = await read(write("part.jsonl", rows.slice(0, 2)));
    const other = await read(write("other.jsonl", [rows[0], { ...rows[1], label: "sad" }]));
    expect(whole.data.sha256).toBe(part.data.sha256);
    expect(other.data.sha256).not.toBe(part.data.sha256);
  });

  it("may have labels that do not count, and values for a regression", async () => {
    const counted = await read(write("counted.jsonl", rows.slice(0, 2)));
    const masked = await read(write("masked.jsonl", [...rows.slice(0, 2), { ...rows[2], label: -1 }]));
    expect(masked.ends.a.loss).toBeCloseTo(counted.ends.a.loss!, 6);
    const values = write(
      "values.jsonl",
      rows.map(({ text }, i) => ({ text, label: i })),
    );
    expect((await read(values, ["values-a", "values-b"])).ends.a.loss).toBeCloseTo(
      mean([0, 1, 2].map((y) => (y - biases.a[0]) ** 2)),
      5,
    );
  });

  it("are refused for a network that labels tokens, without a pad_token, or with unknown label names", async () => {
    await expect(read(write("rows.jsonl", rows), ["masked-a", "masked-b"])).rejects.toThrow(
      "needs a label for each token",
    );
    await expect(read(write("bad.jsonl", [{ text: "x", label: "angry" }]))).rejects.toThrow("angry");
    await writeModelFolder(at("bare"), 1, undefined, config);
    writeFileSync(join(at("bare"), "tokenizer_config.json"), "{}");
    await expect(read(write("rows.jsonl", rows), ["bare", "bare"])).rejects.toThrow("has no pad_token");
    writeFileSync(join(at("bare"), "tokenizer_config.json"), '{"pad_token": "!", "padding_side": "left"}');
    await expect(read(write("rows.jsonl", rows), ["bare", "bare"])).rejects.toThrow(
      "pads texts on the left (padding_side)",
    );
    await expect(read({ ...write("rows.jsonl", rows), context: 17 })).rejects.toThrow("The network has 16 positions");
  });
});

describe("folders", () => {
  it("may contain tensors that the task does not use, but no unknown ones", async () => {
    const extend = async (name: string, extra: string) => {
      await writeModelFolder(at(name), 1, undefined, { ...config, architectures: ["BertForMaskedLM"] });
      const file = join(at(name), "model.safetensors");
      const tensors = await readTensors(file);
      await writeTensors(file, "safetensors", tensors.set(extra, tensor("float32", [8])));
      return at(name);
    };
    const weights = await openWeights(await readModelFolder(await extend("pooled", "bert.pooler.dense.bias")));
    expect([...weights.tensors.keys()]).not.toContain("bert.pooler.dense.bias");
    await weights.close();
    const unknown = await readModelFolder(await extend("unknown", "bert.adapter.bias"));
    await expect(openWeights(unknown)).rejects.toThrow("not part of the network in config.json: bert.adapter.bias");
  });

  it("are checked before a merge: different label names forbid it", async () => {
    const renamed = { ...config, id2label: { 0: "glad", 1: "calm", 2: "sad" } };
    await writeModelFolder(at("renamed"), 1, undefined, renamed);
    const files = await Promise.all(
      ["a", "b", "renamed"].map(async (name) => openWeights(await readModelFolder(at(name)))),
    );
    const labelsOf = async (i: number) =>
      (await checkPair(files[0], files[i])).checks.find(({ name }) => name === "labels");
    expect(await labelsOf(1)).toMatchObject({ status: "same", says: "calm, glad, sad" });
    expect(await labelsOf(2)).toMatchObject({ garbage: true, says: "label 0 calm and glad" });
    for (const file of files) await file.close();
  });

  it("are merged under the names in their files, including tied copies", async () => {
    for (const end of ["a", "b"]) {
      const file = join(at(`masked-${end}`), "model.safetensors");
      const tensors = await readTensors(file);
      mkdirSync(at(`written-${end}`));
      cpSync(at(`masked-${end}`), at(`written-${end}`), { recursive: true });
      tensors.set("cls.predictions.decoder.weight", tensors.get("bert.embeddings.word_embeddings.weight")!);
      tensors.set("cls.predictions.decoder.bias", tensors.get("cls.predictions.bias")!);
      tensors.set("bert.pooler.dense.bias", tensor("float32", [8]));
      await writeTensors(join(at(`written-${end}`), "model.safetensors"), "safetensors", tensors);
    }
    const out = at("merged");
    await merge({ a: at("written-a"), b: at("written-b"), out });
    const [x, y, merged] = await Promise.all(
      [at("written-a"), at("written-b"), out].map((path) => readTensors(join(path, "model.safetensors"))),
    );
    expect([...merged.keys()]).toEqual([...x.keys()]);
    for (const [name, { data }] of merged) {
      const [own, other] = [x.get(name)!.data, y.get(name)!.data].map((part) => part as Float32Array);
      data.forEach((value: unknown, i: number) => {
        expect(value, name).toBeCloseTo((own[i] + other[i]) / 2, 6);
      });
    }
  });

  it("of language models accept arrays with the tokens as labels", async () => {
    const text = Array.from({ length: 40 }, (_, i) => 97 + ((i * i) % 23));
    writeFileSync(at("text.txt"), String.fromCharCode(...text));
    for (const [seed, end] of ["a", "b"].entries()) await writeModelFolder(at(`llama-${end}`), seed);
    const windows = { a: at("llama-a"), b: at("llama-b"), model: {}, scans: ["full"] };
    const one = await measure({ ...windows, data: { name: at("text.txt"), context: 9, samples: 1 } });
    const tokens = tensor("int64", [1, 10], text.slice(0, 10));
    const path = await writeNew({ input_ids: tokens, labels: tokens }, "npz");
    const other = await measure({ ...windows, data: { name: `npz:${path}` } });
    expect(other.document.ends.a.loss).toBeCloseTo(one.document.ends.a.loss!, 6);
    expect(other.document.notes).toEqual([expect.stringContaining("Token t predicts label t + 1")]);

    const padded = async (mask: number[], labels: number[]) => {
      const row = (values: number[]) => tensor("int64", [1, 13], values);
      const ids = [...text.slice(0, 10), 1, 2, 3];
      const own = await writeNew({ input_ids: row(ids), attention_mask: row(mask), labels: row(labels) }, "npz");
      return (await measure({ ...windows, data: { name: `npz:${own}` } })).document;
    };
    const [mask, labels] = [
      Array.from({ length: 13 }, (_, t) => Number(t < 10)),
      [...text.slice(0, 10), -100, -100, -100],
    ];
    const document = await padded(mask, labels);
    expect(document.ends.a.loss).toBeCloseTo(one.document.ends.a.loss!, 6);
    // without the label that the shift adds at the end of a sample
    expect(document.notes).toContain("3 of 13 labels are negative and do not count.");
    await expect(padded(mask.toReversed(), labels.toReversed())).rejects.toThrow("padding before tokens");
    await expect(padded(mask, labels.with(11, 5))).rejects.toThrow("a label for padding (token 11)");
  });
});

describe("refuses", () => {
  const refused = (
    ends: readonly [string, string],
    arrays: Record<string, Tensor>,
    more: Partial<MeasureOptions> = {},
  ) =>
    measured(ends, arrays, more).then(
      () => "",
      (error: Error) => error.message,
    );
  const changed = async (changes: JsonObject) => {
    const name = `changed-${JSON.stringify(changes).replace(/\W+/g, "-")}`;
    await writeModelFolder(at(name), 1, undefined, config);
    writeFileSync(join(at(name), "config.json"), JSON.stringify({ ...config, ...changes }));
    return name;
  };

  it("labels outside the head, or of another shape or kind", async () => {
    const outside = { labels: tensor("int64", [4], [0, 1, 2, 3]) };
    expect(await refused(["a", "b"], outside)).toContain(
      "has the label 3, but the labels of BertForSequenceClassification are 0 to 2",
    );
    expect(await refused(["a", "b"], { labels: tensor("float32", [4], [0.5, 1, 2, 0]) })).toContain("is a classifier");
    expect(await refused(["a", "b"], { labels: tensor("int64", [4, 6]) })).toContain("has labels of shape [6]");
    expect(await refused(["values-a", "values-b"], { labels: tensor("float32", [4, 3]) })).toContain(
      "but BertForSequenceClassification takes [1]",
    );
  });

  it("tokens outside the vocabulary, texts that are too long, arrays without its first input", async () => {
    const large = { ...classes, input_ids: tensor("int64", [4, 6], Array(24).fill(256)) };
    expect(await refused(["a", "b"], large)).toContain(
      "has the value 256, but BertForSequenceClassification accepts 0 to 255",
    );
    const long = {
      ...classes,
      input_ids: tensor("int64", [4, 17]),
      attention_mask: tensor("int64", [4, 17], Array(68).fill(1)),
    };
    expect(await refused(["a", "b"], long)).toContain("has 16 positions");
    const path = await writeNew({ ids, labels: classes.labels }, "npz");
    expect(await refused(["a", "b"], {}, { data: { name: `npz:${path}` } })).toContain("has no array input_ids");
  });

  it("two folders whose labels differ", async () => {
    const other = await changed({ id2label: { 0: "glad", 1: "calm", 2: "sad" } });
    expect(await refused(["a", other], classes)).toContain("label 0 is calm and glad");
  });

  it.each([
    [
      { architectures: ["BertModel"] },
      "the architecture is BertModel, but for bert layerwise evaluates only BertForSequenceClassification",
    ],
    [{ architectures: null }, "architectures is missing"],
    [{ problem_type: "ranking" }, 'problem_type is "ranking"'],
    [{ position_embedding_type: "relative_key" }, 'position_embedding_type is "relative_key"'],
    [{ num_attention_heads: 3 }, "num_attention_heads is 3, which does not divide the width 8"],
    [{ label2id: { calm: 2 } }, 'label2id maps "calm" to 2, but id2label has it at 0'],
    [{ label2id: { calm: "1" } }, 'label2id maps "calm" to 1, but id2label has it at 0'],
    [{ label2id: { calm: "one" } }, 'label2id.calm is "one", not a number'],
    [{ hidden_act: "mish" }, 'hidden_act is "mish"'],
  ])("a config with %j", async (changes, says) => {
    const name = await changed(changes as JsonObject);
    expect(await refused([name, name], classes)).toContain(says);
  });

  it("no config whose label2id has strings as numbers", async () => {
    const name = await changed({ label2id: { calm: "0", glad: "1", sad: "2" } });
    expect(await refused([name, name], classes)).toBe("");
  });

  it("--task, --output and --group if the folder determines them", async () => {
    expect(await refused(["a", "b"], classes, { task: "tokens" })).toContain(
      "(classify), so --task and --output do not apply",
    );
    expect(await refused(["a", "b"], classes, { group: "sublayer" })).toContain("Choose block, module or tensor");
  });
});
