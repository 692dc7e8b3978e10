// A canonical form of tokenizer.json, equal for files that the `tokenizers` library treats as equal: its older versions
// and other programs omit defaults, and write some parts differently. Source: the Deserialize implementations in its
// tokenizers/src, and its use of each field.
import type { Json, JsonObject } from "../config.ts";

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The model with its type and all defaults. */
export function filledModel(model: JsonObject): JsonObject {
  const type = model.type ?? typeOf(model);
  const filled = { type, ...defaults[String(type)], ...withoutNull(model) };
  if (type !== "BPE") return filled;
  const { dropout, continuing_subword_prefix, end_of_word_suffix, merges } = model;
  return {
    ...filled,
    dropout: dropout || null,
    continuing_subword_prefix: continuing_subword_prefix || null,
    end_of_word_suffix: end_of_word_suffix || null,
    // pairs; older files join them by a space
    ...(Array.isArray(merges)
      ? { merges: merges.map((pair) => (typeof pair === "string" ? pair.split(" ") : pair)) }
      : {}),
  };
}

const withoutNull = (object: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null));

/** The type of a model that does not name it, found in the library's order. */
function typeOf({ merges, vocab, continuing_subword_prefix, max_input_chars_per_word }: JsonObject): string {
  if (merges !== undefined) return "BPE";
  if (Array.isArray(vocab)) return "Unigram";
  return (continuing_subword_prefix ?? max_input_chars_per_word) !== undefined ? "WordPiece" : "WordLevel";
}

/** Defaults by a model's type. */
const defaults: Readonly<Record<string, JsonObject>> = {
  BPE: { unk_token: null, fuse_unk: false, byte_fallback: false, ignore_merges: false },
  Unigram: { unk_id: null, byte_fallback: false },
  WordPiece: { unk_token: "[UNK]", continuing_subword_prefix: "##", max_input_chars_per_word: 100 },
  WordLevel: { unk_token: "<unk>" },
};

/** By a part's type, the fields that affect ids; undefined if none does. Parts of other types are kept unchanged. */
const parts: Readonly<Record<string, Readonly<Record<string, (part: JsonObject) => JsonObject | undefined>>>> = {
  normalizer: {
    BertNormalizer: (part) => ({ ...part, strip_accents: part.strip_accents ?? part.lowercase ?? null }),
  },
  pre_tokenizer: {
    ByteLevel: ({ type, add_prefix_space, use_regex }) => ({
      type,
      add_prefix_space: add_prefix_space ?? false,
      use_regex: use_regex ?? true,
    }),
    Metaspace: ({ type, replacement, add_prefix_space, prepend_scheme, split }) => ({
      type,
      replacement: replacement ?? "\u2581",
      prepend_scheme: prepend_scheme ?? (add_prefix_space === false ? "never" : "always"),
      split: split ?? true,
    }),
    Punctuation: (part) => ({ ...part, behavior: part.behavior ?? "Isolated" }),
  },
  post_processor: {
    ByteLevel: () => undefined, // moves offsets only
    RobertaProcessing: ({ type, sep, cls }) => ({ type, sep, cls }),
  },
};

/** The key under which a sequence lists its parts, for each kind of part. */
const lists: Readonly<Record<string, string>> = {
  normalizer: "normalizers",
  pre_tokenizer: "pretokenizers",
  post_processor: "processors",
};

/** The parts of a kind in order; nested sequences are flattened. */
function partsOf(kind: string, given: Json | undefined): JsonObject[] {
  if (!isObject(given)) return [];
  const inner = given[lists[kind]];
  if (given.type === "Sequence" && Array.isArray(inner)) return inner.flatMap((one) => partsOf(kind, one as Json));
  const read = parts[kind][String(given.type)];
  const own = read ? read(given) : given;
  return own ? [own] : [];
}

/**
 * The parts of a tokenizer.json that affect the ids of a text: everything but batching (truncation, padding) and
 * decoding.
 */
export function extractRules({ version, truncation, padding, decoder, ...own }: JsonObject): JsonObject {
  const { added_tokens: added } = own;
  return {
    ...own,
    ...Object.fromEntries(Object.keys(lists).map((kind) => [kind, partsOf(kind, own[kind])])),
    ...(isObject(own.model) ? { model: filledModel(own.model) } : {}),
    added_tokens: Array.isArray(added) ? (added as { id: number }[]).toSorted((a, b) => a.id - b.id) : [],
  };
}

/** The file with its defaults filled in, for an encoder that has fewer of them. */
export function filledFile(own: JsonObject): JsonObject {
  const { pre_tokenizer: given, model } = own;
  const [first, ...rest] = partsOf("pre_tokenizer", given);
  const sequence = rest.length ? { type: "Sequence", pretokenizers: [first, ...rest] } : (first ?? null);
  return {
    ...own,
    ...(given === undefined ? {} : { pre_tokenizer: sequence }),
    ...(isObject(model) ? { model: filledModel(model) } : {}),
  };
}
