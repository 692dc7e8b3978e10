// A tiny Hugging Face folder: a Llama, or what a config says, with fresh weights, and a tokenizer whose tokens are the
// bytes of a text.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Tensor } from "../src/core/index.ts";
import { Config, type JsonObject } from "../src/hub/config.ts";
import { families } from "../src/hub/families/index.ts";
import { writeTensors } from "./checkpoints.ts";
import { randomTensor } from "./onnx-graphs.ts";

/** Its config.json. */
export const tinyLlama: JsonObject = {
  architectures: ["LlamaForCausalLM"],
  model_type: "llama",
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 64,
  vocab_size: 256,
  tie_word_embeddings: false,
};

/** A classifier's: two classes of texts, or pairs of them. */
export const tinyBert: JsonObject = {
  architectures: ["BertForSequenceClassification"],
  model_type: "bert",
  vocab_size: 256,
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  max_position_embeddings: 64,
  id2label: { 0: "different", 1: "same" },
};

/** Writes the folder; `change` gives other weights. Returns its path. */
export async function writeModelFolder(
  path: string,
  seed: number,
  change: (name: string, tensor: Tensor) => Tensor = (_, tensor) => tensor,
  config = tinyLlama,
): Promise<string> {
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, "config.json"), JSON.stringify(config));
  writeFileSync(join(path, "tokenizer.json"), JSON.stringify(byteTokenizer()));
  writeFileSync(join(path, "tokenizer_config.json"), JSON.stringify({ pad_token: "!" }));
  const family = families.find(({ type }) => type === config.model_type)!;
  const [architecture] = (config.architectures ?? []) as string[];
  const { parameters, ties } = family.read(new Config(path, config), architecture);
  const tied = new Set(ties.flatMap((names) => names.slice(1))); // written once
  const tensors = new Map(
    parameters
      .filter(({ name }) => !tied.has(name))
      .map(({ name, shape }) => [name, change(name, randomTensor(`${seed} ${name}`, shape, -0.5, 0.5))]),
  );
  await writeTensors(join(path, "model.safetensors"), "safetensors", tensors);
  return path;
}

/** Writes two folders of other weights; `out` is a place beside them. */
export async function twoFolders(
  within: string,
  change?: Parameters<typeof writeModelFolder>[2],
  config?: JsonObject,
): Promise<{ a: string; b: string; out: string }> {
  const [a, b] = [join(within, "a"), join(within, "b")];
  await writeModelFolder(a, 1, change, config);
  await writeModelFolder(b, 2, change, config);
  return { a, b, out: join(within, "merged") };
}

/** Byte-level BPE without merges: the token of a byte is its number. */
function byteTokenizer(): JsonObject {
  // GPT-2's printable stand-ins for bytes
  const isPrintable = (byte: number) => (byte > 32 && byte < 127) || (byte > 160 && byte < 256 && byte !== 173);
  let next = 256;
  const characters = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : next++));
  const vocab = Object.fromEntries(characters.map((character, byte) => [character, byte]));
  const level = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: level,
    post_processor: null,
    decoder: level,
    model: { type: "BPE", dropout: null, unk_token: null, vocab, merges: [] },
  };
}
