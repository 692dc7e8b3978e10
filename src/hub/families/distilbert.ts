// DistilBERT: BERT's blocks under different names, without token types, and with an extra layer before the classifier.
import { add, linear, relu, slice, type Value } from "../../graph/index.ts";
import type { Inputs } from "../../models/index.ts";
import { type Activation, activations } from "../activations.ts";
import { attend, paddingMask } from "../traced/attention.ts";
import type { Modules } from "../traced/modules.ts";
import { tracedNetwork } from "../traced/network.ts";
import { firstToken, oldNorms } from "./bert.ts";
import { type Family, readActivation, readHeads } from "./family.ts";
import { encoderArchitectures, type Head, readHead } from "./labels.ts";

interface Settings {
  readonly width: number;
  readonly blocks: number;
  readonly heads: number;
  readonly inner: number;
  readonly activation: Activation;
  readonly vocabulary: number;
  readonly positions: number;
}

/** Epsilon of every normalisation; the config cannot change it. */
const epsilon = 1e-12;
const wordEmbeddings = "distilbert.embeddings.word_embeddings.weight";

function embed(modules: Modules, { input_ids }: Inputs, { vocabulary, width, positions }: Settings): Value {
  const words = modules.embedding("word_embeddings", input_ids, vocabulary, width);
  const table = modules.parameter("position_embeddings.weight", [positions, width]);
  return modules.layerNorm("LayerNorm", add(words, slice(table, 0, 0, words.shape[1])), epsilon);
}

function encode(modules: Modules, x: Value, { attention_mask }: Inputs, settings: Settings): Value {
  const { width, blocks, heads, inner, activation } = settings;
  const mask = attention_mask && paddingMask(attention_mask);
  for (let i = 0; i < blocks; i++) {
    const block = modules.within(`layer.${i}`);
    const attention = block.within("attention");
    const projected = ["q_lin", "k_lin", "v_lin"].map((name) => attention.linear(name, x, width));
    const attended = attention.linear("out_lin", attend(projected, { heads, mask }), width);
    x = block.layerNorm("sa_layer_norm", add(attended, x), epsilon);
    const changed = block.linear("ffn.lin2", activations[activation](block.linear("ffn.lin1", x, inner)), width);
    x = block.layerNorm("output_layer_norm", add(changed, x), epsilon);
  }
  return x;
}

function applyHead(modules: Modules, x: Value, head: Head, labels: number, settings: Settings): Value {
  const { width, vocabulary, activation } = settings;
  if (head === "token") return modules.linear("classifier", x, labels);
  if (head === "sequence")
    return modules.linear("classifier", relu(modules.linear("pre_classifier", firstToken(x), width)), labels);
  const changed = activations[activation](modules.linear("vocab_transform", x, width));
  const normal = modules.layerNorm("vocab_layer_norm", changed, epsilon);
  const weight = modules.parameter(wordEmbeddings, [vocabulary, width]);
  return linear(normal, weight, modules.parameter("vocab_projector.bias", [vocabulary]));
}

export const distilbert: Family = {
  type: "distilbert",
  architectures: encoderArchitectures("DistilBert"),
  isChosenByArchitecture: true,
  read(config, architecture) {
    const width = config.size("dim", 768);
    const settings: Settings = {
      width,
      blocks: config.size("n_layers", 6),
      heads: readHeads(config, "n_heads", width),
      inner: config.size("hidden_dim", 3072),
      activation: readActivation(config, "activation", "gelu"),
      vocabulary: config.size("vocab_size", 30522),
      positions: config.size("max_position_embeddings", 512),
    };
    const { head, task } = readHead(config, architecture);
    const { vocabulary, positions } = settings;
    return tracedNetwork({
      input: { kind: "text", vocabulary, context: positions, isBounded: true, types: 0 },
      task,
      settings,
      prefix: "distilbert.",
      heads: ["classifier"],
      ties: head === "masked" ? [[wordEmbeddings, "vocab_projector.weight"]] : [],
      renames: oldNorms,
      build(modules, inputs) {
        const base = modules.within("distilbert");
        const x = encode(
          base.within("transformer"),
          embed(base.within("embeddings"), inputs, settings),
          inputs,
          settings,
        );
        return applyHead(modules, x, head, task.count, settings);
      },
    });
  },
};
