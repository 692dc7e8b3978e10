// Pairs of files that are the same tokenizer to the `tokenizers` library (0.23), each checked there, and pairs that are
// not.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { temporaryFolder } from "../../../test/checkpoints.ts";
import type { JsonObject } from "../config.ts";
import { compareTokenizers } from "./compare.ts";
import { readTokenizer, readTokenizerFiles } from "./tokenizer.ts";

const today: JsonObject = {
  version: "1.0",
  truncation: null,
  padding: null,
  added_tokens: [
    { id: 6, content: "<s>", single_word: false, lstrip: false, rstrip: false, normalized: false, special: true },
    { id: 7, content: "</s>", single_word: false, lstrip: false, rstrip: false, normalized: false, special: true },
  ],
  normalizer: null,
  pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
  post_processor: null,
  decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
  model: {
    type: "BPE",
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: false,
    vocab: { a: 0, b: 1, Ġ: 2, ab: 3, c: 4, d: 5 },
    merges: [["a", "b"]],
  },
};
const model = today.model as JsonObject;
const level = today.pre_tokenizer as JsonObject;
const without = (object: JsonObject, ...keys: string[]): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
const piece = {
  type: "WordPiece",
  unk_token: "a",
  continuing_subword_prefix: "##",
  max_input_chars_per_word: 100,
  vocab: model.vocab,
};
const spaces = (more: JsonObject): JsonObject => ({
  ...today,
  pre_tokenizer: { type: "Metaspace", replacement: "▁", ...more },
});
const bert = { type: "BertNormalizer", clean_text: true, handle_chinese_chars: true, lowercase: true };

const folder = temporaryFolder();
async function filesOf(name: string, own: JsonObject) {
  mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, name, "tokenizer.json"), JSON.stringify(own));
  return readTokenizerFiles(join(folder, name));
}
const compare = async (a: JsonObject, b: JsonObject) => compareTokenizers(await filesOf("a", a), await filesOf("b", b));

it.each<[string, JsonObject, JsonObject]>([
  ["without a type", { ...today, model: without(model, "type") }, today],
  ...["dropout", "unk_token", "fuse_unk", "byte_fallback", "ignore_merges", "end_of_word_suffix"].map(
    (key): [string, JsonObject, JsonObject] => [`without ${key}`, { ...today, model: without(model, key) }, today],
  ),
  [
    'with "" as affixes and 0 as dropout',
    { ...today, model: { ...model, continuing_subword_prefix: "", end_of_word_suffix: "", dropout: 0 } },
    today,
  ],
  ["with merges as texts", { ...today, model: { ...model, merges: ["a b"] } }, today],
  ["without use_regex", { ...today, pre_tokenizer: without(level, "use_regex") }, today],
  ["with other offsets", { ...today, pre_tokenizer: { ...level, trim_offsets: false } }, today],
  ["with a sequence of one", { ...today, pre_tokenizer: { type: "Sequence", pretokenizers: [level] } }, today],
  ["with a sequence of none", { ...today, normalizer: { type: "Sequence", normalizers: [] } }, today],
  ["with another decoder", { ...today, decoder: null }, today],
  [
    "without what is null",
    without(today, "version", "truncation", "padding", "normalizer", "post_processor", "decoder"),
    today,
  ],
  ["with what moves offsets only", { ...today, post_processor: { ...level, use_regex: false } }, today],
  ["with added tokens in another order", { ...today, added_tokens: (today.added_tokens as []).toReversed() }, today],
  ["of WordPiece without a type", { ...today, model: without(piece, "type") }, { ...today, model: piece }],
  ["with spaces as before", spaces({ add_prefix_space: true }), spaces({ prepend_scheme: "always", split: true })],
  [
    "with spaces as between",
    spaces({ add_prefix_space: true, prepend_scheme: "first", str_rep: "▁" }),
    spaces({ prepend_scheme: "first", split: true }),
  ],
  [
    "with accents as case",
    { ...today, normalizer: { ...bert, strip_accents: null } },
    { ...today, normalizer: { ...bert, strip_accents: true } },
  ],
])("a file %s is the same tokenizer", async (_, a, b) => {
  expect(await compare(a, b)).toBeUndefined();
});

it.each<[string, JsonObject, JsonObject]>([
  ["model.ignore_merges", { ...today, model: { ...model, ignore_merges: true } }, today],
  ["model.end_of_word_suffix", { ...today, model: { ...model, end_of_word_suffix: "</w>" } }, today],
  ["pre_tokenizer", { ...today, pre_tokenizer: { ...level, use_regex: false } }, today],
  ["pre_tokenizer", { ...today, pre_tokenizer: null }, today],
  ["pre_tokenizer", spaces({ add_prefix_space: false }), spaces({ add_prefix_space: true })],
  ["normalizer", { ...today, normalizer: { ...bert, strip_accents: false } }, { ...today, normalizer: bert }],
])("a different %s is a different tokenizer", async (part, a, b) => {
  expect(await compare(a, b)).toEqual({ says: `different ${part}`, isAround: false });
});

it("encodes with a file that omits defaults", async () => {
  await filesOf("whole", today);
  const old = without(model, "type", "fuse_unk", "byte_fallback", "ignore_merges", "continuing_subword_prefix");
  await filesOf("old", { ...today, model: { ...old, merges: ["a b"] }, pre_tokenizer: without(level, "use_regex") });
  for (const name of ["whole", "old"]) {
    const tokenizer = await readTokenizer(join(folder, name));
    expect(tokenizer.encode("ab a<s>cab", true)).toEqual([3, 2, 0, 6, 4, 3]);
  }
});
