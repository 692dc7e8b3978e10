// Makes the embedded text and model: node --import tsx scripts/embed-llama.mjs FOLDER, where FOLDER contains
// Shakespeare's input.txt. It trains the tokenizer on the text, and then the model, from random weights, long enough to
// be worth fine-tuning.
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openCheckpoint, writeCheckpoint } from "../src/checkpoints/index.ts";
import { fromNumbers, randomStream, tensor, toNumbers } from "../src/core/index.ts";
import { readRecipe, trainRecipe } from "../src/experiments/index.ts";
import { modelOf, readModelFolder } from "../src/hub/index.ts";
import { root } from "./setup.mjs";

const [source] = process.argv.slice(2);
const text = readFileSync(join(source, "input.txt"), "utf8");
// parts of the official splits
const splits = { train: text.slice(0, 200_000), test: text.slice(892_315, 892_315 + 40_000) };
const end = "<|endoftext|>";
const config = {
  architectures: ["LlamaForCausalLM"],
  attention_bias: false,
  bos_token_id: 0,
  dtype: "bfloat16",
  eos_token_id: 0,
  head_dim: 8,
  hidden_act: "silu",
  hidden_size: 32,
  intermediate_size: 64,
  max_position_embeddings: 128,
  mlp_bias: false,
  model_type: "llama",
  num_attention_heads: 4,
  num_hidden_layers: 6,
  num_key_value_heads: 2,
  rms_norm_eps: 1e-5,
  rope_parameters: { rope_theta: 10000, rope_type: "default" },
  tie_word_embeddings: false,
  vocab_size: 384,
};
const recipe = `
name: pretrain
pair: { init: fresh, order_seeds: [1, 1] }
data: { name: ${join(root, "embedded/shakespeare")}, context: 64 }
training: { steps: 600, batch: 16, optimiser: adamw, lr: 5.0e-3, betas: [0.9, 0.95], clip: 1.0, warmup_steps: 60 }
measure: { every: 600 }
`;

const embedded = (path) => join(root, "embedded", path);
for (const [name, part] of Object.entries(splits)) write(`shakespeare/${name}.txt`, part);
const { vocab, merges } = trainPairs(splits.train, config.vocab_size);
write("tiny-llama/config.json", json(config));
write("tiny-llama/tokenizer.json", json(tokenizer(vocab, merges)));
const names = { bos_token: end, eos_token: end, model_max_length: 128, tokenizer_class: "PreTrainedTokenizerFast" };
write("tiny-llama/tokenizer_config.json", json(names));

const folder = mkdtempSync(join(tmpdir(), "layerwise-"));
try {
  mkdirSync(join(folder, "fresh"));
  for (const name of ["config.json", "tokenizer.json", "tokenizer_config.json"])
    writeFileSync(join(folder, "fresh", name), readFileSync(embedded(`tiny-llama/${name}`)));
  const model = modelOf(await readModelFolder(join(folder, "fresh")));
  await save(join(folder, "fresh/model.safetensors"), new Map(model.parameters.map((p) => [p.name, fresh(p)])));
  writeFileSync(join(folder, "pretrain.yaml"), recipe);
  const onProgress = (task, done, total, note = "") =>
    process.stderr.write(`\r${task} ${done.toFixed(0)}/${total} ${note} `);
  const trained = await trainRecipe(await readRecipe(join(folder, "pretrain.yaml")), { runs: folder, onProgress });
  console.log(trained.networks.a);
  const file = await openCheckpoint(join(trained.folder, "a/model.safetensors"));
  const rounded = new Map();
  for (const [name, { shape }] of file.tensors)
    rounded.set(name, fromNumbers("bfloat16", shape, toNumbers(await file.read(name))));
  await file.close();
  await save(embedded("tiny-llama/model.safetensors"), rounded);
  say("tiny-llama/model.safetensors");
} finally {
  rmSync(folder, { recursive: true });
}

/** Random weights of a parameter: norms are one; the two projections into the residual stream are smaller. */
function fresh({ name, shape }) {
  if (shape.length === 1) return tensor("float32", shape, Array(shape[0]).fill(1));
  const random = randomStream(1, "embedded", name);
  const scale = /(o_proj|down_proj)/.test(name) ? 1 / Math.sqrt(2 * config.num_hidden_layers) : 1;
  const deviation = /embed_tokens/.test(name) ? 1 : scale / Math.sqrt(shape[1]);
  return tensor(
    "float32",
    shape,
    Array.from({ length: shape[0] * shape[1] }, () => deviation * random.normal()),
  );
}

function save(path, tensors) {
  const infos = [...tensors].map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
  return writeCheckpoint(path, "safetensors", infos, async (name) => tensors.get(name), { format: "pt" });
}

/**
 * Byte-level BPE (Sennrich et al. 2016): the most frequent pair of tokens becomes a token, repeatedly; ties in
 * alphabetical order.
 */
function trainPairs(text, size) {
  const isPrintable = (byte) => (byte > 32 && byte < 127) || (byte > 160 && byte < 256 && byte !== 173);
  let next = 256; // GPT-2's replacements for bytes that are not printable
  const letters = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : next++));
  const words = new Map(); // split as GPT-2 does
  for (const [word] of text.matchAll(/'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu))
    words.set(word, (words.get(word) ?? 0) + 1);
  const parts = [...words].map(([word, count]) => ({ tokens: [...Buffer.from(word)].map((b) => letters[b]), count }));
  const tokens = [end, ...letters.toSorted()];
  const merges = [];
  while (tokens.length < size) {
    const counts = new Map();
    for (const { tokens, count } of parts)
      for (let i = 1; i < tokens.length; i++) {
        const pair = `${tokens[i - 1]} ${tokens[i]}`;
        counts.set(pair, (counts.get(pair) ?? 0) + count);
      }
    const [[best]] = [...counts].sort(([x, n], [y, m]) => m - n || (x < y ? -1 : 1));
    const [left, right] = best.split(" ");
    for (const { tokens } of parts)
      for (let i = 1; i < tokens.length; i++)
        if (tokens[i - 1] === left && tokens[i] === right) tokens.splice(i - 1, 2, left + right);
    tokens.push(left + right);
    merges.push([left, right]);
  }
  return { vocab: Object.fromEntries(tokens.map((token, id) => [token, id])), merges };
}

function tokenizer(vocab, merges) {
  const level = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [{ id: 0, content: end, ...flags }],
    normalizer: null,
    pre_tokenizer: level,
    post_processor: null,
    decoder: level,
    model: { type: "BPE", dropout: null, unk_token: null, vocab, merges },
  };
}

function json(value) {
  return `${JSON.stringify(value, null, 1)}\n`;
}

function write(path, content) {
  mkdirSync(join(embedded(path), ".."), { recursive: true });
  writeFileSync(embedded(path), content);
  say(path);
}

function say(path) {
  const hash = createHash("sha256")
    .update(readFileSync(embedded(path)))
    .digest("hex");
  console.log(path, statSync(embedded(path)).size, hash);
}
