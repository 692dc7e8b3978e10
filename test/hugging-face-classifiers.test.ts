// Tiny encoders, made here: losses of a closed form, padding that changes nothing, the layers, and what is refused.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { type MeasureOptions, measure } from "../src/connectivity/index.ts";
import { type Tensor, tensor } from "../src/core/index.ts";
import type { JsonObject } from "../src/hub/config.ts";
import { temporaryFolder, writeNew } from "./checkpoints.ts";
import { writeModelFolder } from "./model-folder.ts";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);

const config: JsonObject = {
  architectures: ["BertForSequenceClassification"],
  model_type: "bert",
  vocab_size: 256,
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  max_position_embeddings: 16,
  id2label: { 0: "calm", 1: "glad", 2: "sad" },
};
const biases = { a: [1, -2, 0.5], b: [-1, 0.25, 3] };

/** A classifier that gives its bias, whatever the text. */
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

  it("has the binary cross entropy of rows of labels, where its config leaves the problem open", async () => {
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
    expect(document.model.task).toContain("3 labels that hold or not");
    expect(document.notes?.join()).toContain("no problem_type");
  });

  it("has the squared error of values, and no error in percent", async () => {
    const labels = tensor("float32", [4], [0, 1, 2.5, -1]);
    const { ends, metrics } = await measured(["values-a", "values-b"], { labels });
    expect(ends.a.loss).toBeCloseTo(mean([0, 1, 2.5, -1].map((y) => (y - biases.a[0]) ** 2)), 5);
    expect(metrics).toEqual(["loss"]);
  });

  it("sees no padding, however much there is", async () => {
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

  it("labels outside the head, of another shape or kind", async () => {
    const outside = { labels: tensor("int64", [4], [0, 1, 2, 3]) };
    expect(await refused(["a", "b"], outside)).toContain(
      "has the label 3, but the labels of BertForSequenceClassification are 0 to 2",
    );
    expect(await refused(["a", "b"], { labels: tensor("float32", [4], [0.5, 1, 2, 0]) })).toContain(
      "tells classes apart",
    );
    expect(await refused(["a", "b"], { labels: tensor("int64", [4, 6]) })).toContain("has labels of shape [6]");
    expect(await refused(["values-a", "values-b"], { labels: tensor("float32", [4, 3]) })).toContain(
      "but BertForSequenceClassification takes [1]",
    );
  });

  it("tokens that the network does not know, texts that are too long, arrays that lack its first input", async () => {
    const large = { ...classes, input_ids: tensor("int64", [4, 6], Array(24).fill(256)) };
    expect(await refused(["a", "b"], large)).toContain(
      "has the value 256, but BertForSequenceClassification knows 0 to 255",
    );
    const long = {
      ...classes,
      input_ids: tensor("int64", [4, 17]),
      attention_mask: tensor("int64", [4, 17], Array(68).fill(1)),
    };
    expect(await refused(["a", "b"], long)).toContain("knows 16 positions");
    const path = await writeNew({ ids, labels: classes.labels }, "npz");
    expect(await refused(["a", "b"], {}, { data: { name: `npz:${path}` } })).toContain("has no array input_ids");
  });

  it("two folders whose labels differ", async () => {
    const other = await changed({ id2label: { 0: "glad", 1: "calm", 2: "sad" } });
    expect(await refused(["a", other], classes)).toContain("label 0 is calm in");
  });

  it.each([
    [
      { architectures: ["BertModel"] },
      "the architecture is BertModel, but layerwise evaluates BertForSequenceClassification",
    ],
    [{ architectures: null }, "architectures is missing"],
    [{ problem_type: "ranking" }, 'problem_type is "ranking"'],
    [{ position_embedding_type: "relative_key" }, 'position_embedding_type is "relative_key"'],
    [{ num_attention_heads: 3 }, "num_attention_heads is 3, which does not divide the width 8"],
    [{ label2id: { calm: 2 } }, 'label2id gives "calm" the number 2, but id2label has it at 0'],
    [{ hidden_act: "mish" }, 'hidden_act is "mish"'],
  ])("a config with %j", async (changes, says) => {
    const name = await changed(changes as JsonObject);
    expect(await refused([name, name], classes)).toContain(says);
  });

  it("--task, --output and --group where the folder decides", async () => {
    expect(await refused(["a", "b"], classes, { task: "tokens" })).toContain("--task classify");
    expect(await refused(["a", "b"], classes, { group: "sublayer" })).toContain("Choose block, module or tensor");
  });
});
