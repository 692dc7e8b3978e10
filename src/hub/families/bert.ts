// BERT, and the parts that RoBERTa has in common with it: blocks that normalise after each half, and heads for texts,
// tokens and masked tokens.
import { add, linear, reshape, slice, tanh, type Value } from "../../graph/index.ts";
import type { Inputs } from "../../models/index.ts";
import { type Activation, activations } from "../activations.ts";
import type { Config } from "../config.ts";
import { attend, paddingMask } from "../traced/attention.ts";
import type { Modules } from "../traced/modules.ts";
import { type TracedNetwork, tracedNetwork } from "../traced/network.ts";
import { type Family, readActivation, readHeads } from "./family.ts";
import { encoderArchitectures, type Head, readHead } from "./labels.ts";

export interface BertSettings {
  readonly width: number;
  readonly blocks: number;
  readonly heads: number;
  readonly inner: number;
  readonly activation: Activation;
  readonly epsilon: number;
  readonly vocabulary: number;
  /** Number of rows in the table of positions. */
  readonly positions: number;
  readonly types: number;
}

export function readBert(config: Config): BertSettings {
  config.only("is_decoder", false);
  config.only("add_cross_attention", false);
  config.only("position_embedding_type", "absolute");
  const width = config.size("hidden_size", 768);
  return {
    width,
    blocks: config.size("num_hidden_layers", 12),
    heads: readHeads(config, "num_attention_heads", width),
    inner: config.size("intermediate_size", 3072),
    activation: readActivation(config, "hidden_act", "gelu"),
    epsilon: config.number("layer_norm_eps", 1e-12),
    vocabulary: config.size("vocab_size", 30522),
    positions: config.size("max_position_embeddings", 512),
    types: config.size("type_vocab_size", 2),
  };
}

/** Files from the time of BERT use gamma and beta for the parameters of a normalisation. */
export const oldNorms: TracedNetwork["renames"] = [
  [/LayerNorm\.gamma$/, "LayerNorm.weight"],
  [/LayerNorm\.beta$/, "LayerNorm.bias"],
];

/** Applies the blocks to [n, T, width]. */
export function bertEncoder(modules: Modules, x: Value, { attention_mask }: Inputs, settings: BertSettings): Value {
  const { width, blocks, heads, inner, activation, epsilon } = settings;
  const mask = attention_mask && paddingMask(attention_mask);
  for (let i = 0; i < blocks; i++) {
    const block = modules.within(`layer.${i}`);
    const attention = block.within("attention");
    const projected = ["query", "key", "value"].map((name) => attention.linear(`self.${name}`, x, width));
    const attended = attention.linear("output.dense", attend(projected, { heads, mask }), width);
    x = attention.layerNorm("output.LayerNorm", add(x, attended), epsilon);
    const expanded = activations[activation](block.linear("intermediate.dense", x, inner));
    x = block.layerNorm("output.LayerNorm", add(x, block.linear("output.dense", expanded, width)), epsilon);
  }
  return x;
}

/** Takes the first token of each text: [n, width]. */
export const firstToken = (x: Value): Value => reshape(slice(x, 1, 0, 1), [x.shape[0], x.shape[2]]);

/** The embeddings of the token types; without types, that of type 0. */
export function typeEmbedding(modules: Modules, { token_type_ids }: Inputs, types: number, width: number): Value {
  const name = "token_type_embeddings";
  if (token_type_ids) return modules.embedding(name, token_type_ids, types, width);
  return slice(modules.parameter(`${name}.weight`, [types, width]), 0, 0, 1);
}

/** The tied names of the weight and bias of the decoder within `head`: its weight is the word embedding. */
export const decoderTies = (words: string, head: string): string[][] => [
  [words, `${head}.decoder.weight`],
  [`${head}.bias`, `${head}.decoder.bias`],
];

const wordEmbeddings = "bert.embeddings.word_embeddings.weight";
const predictions = "cls.predictions";

function embed(
  modules: Modules,
  inputs: Inputs,
  { vocabulary, width, positions, types, epsilon }: BertSettings,
): Value {
  const words = modules.embedding("word_embeddings", inputs.input_ids, vocabulary, width);
  const table = modules.parameter("position_embeddings.weight", [positions, width]);
  const typed = add(words, typeEmbedding(modules, inputs, types, width));
  return modules.layerNorm("LayerNorm", add(typed, slice(table, 0, 0, words.shape[1])), epsilon);
}

function applyHead(modules: Modules, x: Value, head: Head, labels: number, settings: BertSettings): Value {
  const { width, vocabulary, activation, epsilon } = settings;
  if (head === "token") return modules.linear("classifier", x, labels);
  if (head === "sequence")
    return modules.linear("classifier", tanh(modules.linear("bert.pooler.dense", firstToken(x), width)), labels);
  const bias = modules.parameter(`${predictions}.bias`, [vocabulary]);
  const transform = modules.within(`${predictions}.transform`);
  const changed = transform.layerNorm(
    "LayerNorm",
    activations[activation](transform.linear("dense", x, width)),
    epsilon,
  );
  return linear(changed, modules.parameter(wordEmbeddings, [vocabulary, width]), bias);
}

export const bert: Family = {
  type: "bert",
  architectures: encoderArchitectures("Bert"),
  isChosenByArchitecture: true,
  read(config, architecture) {
    const settings = readBert(config);
    const { head, task } = readHead(config, architecture);
    const { vocabulary, positions, types } = settings;
    return tracedNetwork({
      input: { kind: "text", vocabulary, context: positions, isBounded: true, types },
      task,
      settings,
      prefix: "bert.",
      heads: ["classifier"],
      ties: head === "masked" ? decoderTies(wordEmbeddings, predictions) : [],
      renames: oldNorms,
      unused: head === "sequence" ? undefined : /^(bert\.pooler|pooler|cls\.seq_relationship)\./,
      build(modules, inputs) {
        const base = modules.within("bert");
        const x = bertEncoder(
          base.within("encoder"),
          embed(base.within("embeddings"), inputs, settings),
          inputs,
          settings,
        );
        return applyHead(modules, x, head, task.count, settings);
      },
    });
  },
};
