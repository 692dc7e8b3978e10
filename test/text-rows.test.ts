// Labelled texts of shared/fixtures/encoders/text-pairs, and small files written here.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parquetWriteFile } from "hyparquet-writer";
import { describe, expect, it } from "vitest";
import { UserError } from "../src/core/index.ts";
import { isRows, type Row, type RowOptions, readDocuments, readRows } from "../src/data/index.ts";
import { temporaryFolder } from "./checkpoints.ts";
import { hasShared, sharedPath } from "./shared.ts";

const folder = temporaryFolder();
const write = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const names = { no: 0, yes: 1 } as Readonly<Record<string, number>>;
const labelOf = (name: string) => names[name];
const refusal = (path: string, options: RowOptions = {}) =>
  readRows(path, options).then(
    () => "read",
    (error) => (error instanceof UserError ? error.message : Promise.reject(error)),
  );

describe.skipIf(!hasShared)("sentence pairs of ../shared (skipped if it is missing)", () => {
  const root = sharedPath("fixtures/encoders/text-pairs");
  const read = () => JSON.parse(readFileSync(join(root, "expected.json"), "utf8"));

  it.each(["pairs.jsonl", "pairs.tsv", "pairs.csv", "pairs.parquet", "pairs-other-order.parquet"])(
    "reads %s",
    async (name) => {
      const { labels, label_names } = read();
      const of = (label: string) => (label_names.includes(label) ? label_names.indexOf(label) : undefined);
      const { rows } = await readRows(join(root, name), { labelOf: of });
      expect(rows.map(({ label }) => label)).toEqual(labels);
      const lines = readFileSync(join(root, "pairs.jsonl"), "utf8").trimEnd().split("\n");
      const wanted = lines.map((line) => JSON.parse(line));
      expect(rows.map(({ text, pair }) => ({ sentence1: text, sentence2: pair }))).toEqual(
        wanted.map(({ sentence1, sentence2 }) => ({ sentence1, sentence2 })),
      );
    },
  );
});

it("reads tabs without quotes, and commas with quoted fields that contain quotes and line ends", async () => {
  const tabs = write("a.tsv", 'label\tsentence\r\nyes\t"half a quote\r\n0\t\r\n');
  expect((await readRows(tabs, { labelOf })).rows).toEqual([
    { text: '"half a quote', label: 1 },
    { text: "", label: 0 },
  ]);
  const commas = write("a.csv", '\uFEFFtext,label\r\n"a, ""b""\nc",yes\n,no\nd,1');
  expect((await readRows(commas, { labelOf })).rows).toEqual([
    { text: 'a, "b"\nc', label: 1 },
    { text: "", label: 0 },
    { text: "d", label: 1 },
  ]);
});

it.each([
  ["semicolons", "semi.csv", 'text;label\r\na, b;1\r\n"c; ""d""";0\r\n'],
  ["semicolons and quoted names with commas", "quoted.csv", '"text";"label";"a, b"\n"a, b";1;\n"c; ""d""";0;\n'],
  ["tabs", "tabs.csv", 'text\tlabel\na, b\t1\n"c; ""d"""\t0\n'],
  ["commas and line ends of CR only", "cr.csv", '\uFEFFtext,label,x\r"a, b",1,\r"c; ""d""",0,y\nz\r'],
  ["tabs and line ends of CR only", "cr.tsv", 'text\tlabel\ra, b\t1\rc; "d"\t0\r'],
])("reads %s", async (_, name, text) => {
  expect((await readRows(write(name, text))).rows).toEqual([
    { text: "a, b", label: 1 },
    { text: 'c; "d"', label: 0 },
  ]);
});

it("reads a byte order mark and Unicode line separators in fields, and refuses text that is not UTF-8", async () => {
  const rows = [{ text: "a\u2028b", label: 1 }];
  const texts = {
    "mark.jsonl": `\uFEFF${JSON.stringify(rows[0])}\n`,
    "mark.csv": "\uFEFFtext,label\na\u2028b,1\n",
    "mark.tsv": "\uFEFFtext\tlabel\na\u2028b\t1\n",
  };
  for (const [name, text] of Object.entries(texts)) {
    expect((await readRows(write(name, text))).rows).toEqual(rows);
    const path = join(folder, `wide-${name}`);
    writeFileSync(path, Buffer.from(text, "utf16le"));
    expect(await refusal(path)).toContain(`${path} is UTF-16 text, but layerwise reads UTF-8.`);
    writeFileSync(path, Buffer.from(`${text.replace("\uFEFF", "").replace("\u2028", "é")}`, "latin1"));
    expect(await refusal(path)).toContain(`${path} is not UTF-8 text: line ${name.endsWith("jsonl") ? 1 : 2} has`);
  }
  const path = join(folder, "latin.txt");
  writeFileSync(path, Buffer.from("café", "latin1"));
  await expect(readDocuments(path).next()).rejects.toThrow(`${path} is not UTF-8 text`);
});

it("reads numbers without names, values of a regression and one number for each class", async () => {
  const lines = ['{"text": "a", "label": 2}', '{"text": "b", "label": -0.5}', '{"text": "c", "label": [1, 0, 1]}'];
  const { rows, split } = await readRows(write("a.jsonl", `${lines.join("\n")}\n`));
  expect(split).toBe("test");
  expect(rows.map(({ label }) => label)).toEqual([2, -0.5, [1, 0, 1]]);
});

it("reads pairs from the columns of GLUE's tasks, a split's file in a folder, and the first rows", async () => {
  const inner = temporaryFolder();
  writeFileSync(join(inner, "train.jsonl"), '{"question": "q", "sentence": "s", "label": 0}\n'.repeat(3));
  writeFileSync(join(inner, "validation.tsv"), "premise\thypothesis\tlabel\np\th\t1\n");
  expect(isRows(inner)).toBe(true);
  expect(await readRows(inner)).toEqual({ split: "valid", rows: [{ text: "p", pair: "h", label: 1 }] });
  const { rows } = await readRows(inner, { split: "train", samples: 2 });
  expect(rows).toEqual(Array<Row>(2).fill({ text: "q", pair: "s", label: 0 }));
});

it("names the splits with labels if one has none", async () => {
  const inner = temporaryFolder();
  for (const [split, label] of Object.entries({ train: 0, validation: 1, test: -1 }))
    writeFileSync(join(inner, `${split}.jsonl`), `{"text": "a", "label": ${label}}\n`.repeat(2));
  expect(await refusal(inner)).toBe(
    `All labels of the test split of ${inner} are -1, which means no label (the labels of some test splits are not published). Give labels, counted from 0, or choose a split with labels (--split train or --split valid).`,
  );
  expect((await readRows(inner, { split: "valid" })).rows).toHaveLength(2);
  const alone = write("secret.jsonl", '{"text": "a", "label": -1}\n');
  expect(await refusal(alone)).toContain("Give labels, counted from 0.");
  const values = write("values.jsonl", '{"text": "a", "label": -1}\n{"text": "b", "label": -2}\n');
  expect((await readRows(values)).rows.map(({ label }) => label)).toEqual([-1, -2]);
  writeFileSync(join(inner, "test.jsonl"), '{"text": "a"}\n');
  expect(await refusal(inner)).toContain(
    "Add a column label of numbers or names, or choose a split with labels (--split train or --split valid).",
  );
});

it("maps numbers to names by a parquet file's class names if the network has label names", async () => {
  const filename = join(folder, "other.parquet");
  const info = { info: { features: { label: { names: ["yes", "no"], _type: "ClassLabel" } } } };
  parquetWriteFile({
    filename,
    columnData: [
      { name: "sentence", data: ["a", "b"], type: "STRING" },
      { name: "label", data: [0n, 1n], type: "INT64" },
    ],
    kvMetadata: [{ key: "huggingface", value: JSON.stringify(info) }],
  });
  const labelsOf = async (options: object) => (await readRows(filename, options)).rows.map(({ label }) => label);
  expect(await labelsOf({ labelOf })).toEqual([1, 0]);
  expect(await labelsOf({})).toEqual([0, 1]);
});

it.each([
  ["b.tsv", "sentence\tlabel\na\tb\tc\n", "Row 2 of PATH has 3 fields, but the first line has 2. Correct the row."],
  ["b.csv", 'text,label\n"a"b,1\n', "Row 2 of PATH has text after a closing quote. Save the file again as CSV."],
  [
    "c.csv",
    "words,label\na,1\n",
    "PATH has the columns words, label, but needs sentence, sentence1 with sentence2, or text. Rename the columns.",
  ],
  [
    "d.csv",
    "text,class\na,1\n",
    "PATH has no labels. Its columns are text, class. Add a column label of numbers or names.",
  ],
  ["e.csv", "text,label\na,\n", "Row 2 of PATH has no label. Choose a split with labels, or remove the row."],
  [
    "f.csv",
    "text,label\na,maybe\n",
    `Row 2 of PATH has the label "maybe", which is not a label of the network (no, yes). Use the network's names, or numbers.`,
  ],
  ["g.jsonl", '{"text": 5, "label": 1}\n', "Line 1 of PATH has no text in text. Correct the row, or remove it."],
  ["h.tsv", "", "PATH has no rows. Add some, or choose another split."],
])("refuses %s", async (name, text, sentence) => {
  const path = write(name, text);
  expect(await refusal(path, { labelOf, labelNames: Object.keys(names) })).toBe(sentence.replace("PATH", path));
});

it("refuses names if the network has none, a split of a single file, and too many rows", async () => {
  const path = write("i.csv", "text,label\na,maybe\n");
  expect(await refusal(path)).toBe(
    `Row 2 of ${path} has the label "maybe", but the network has no names for its labels. Use numbers.`,
  );
  expect(await refusal(path, { split: "train" })).toContain("is a single file, so it has no splits");
  expect(await refusal(write("j.csv", "text,label\na,1\n"), { samples: 2 })).toContain(
    "contains 1 rows, but 2 are needed",
  );
  expect(await refusal(join(folder, "nothing.txt"))).toContain("is not a supported file of labelled texts");
});
