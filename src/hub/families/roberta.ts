// RoBERTa and XLM-RoBERTa: BERT's blocks, positions that start after the padding token's id, no pooler.
import { tensor } from "../../core/index.ts";
import { add, cast, equal, gather, linear, matmul, mul, scalar, sub, tanh, type Value } from "../../graph/index.ts";
import type { Inputs } from "../../models/index.ts";
import { activations } from "../activations.ts";
import type { Modules } from "../traced/modules.ts";
import { tracedNetwork } from "../traced/network.ts";
import { type BertSettings, bertEncoder, decoderTies, firstToken, oldNorms, readBert, typeEmbedding } from "./bert.ts";
import type { Family } from "./family.ts";
import { encoderArchitectures, type Head, readHead } from "./labels.ts";

interface RobertaSettings extends BertSettings {
  readonly padding: number;
}

const wordEmbeddings = "roberta.embeddings.word_embeddings.weight";

function embed(modules: Modules, inputs: Inputs, settings: RobertaSettings): Value {
  const { vocabulary, width, positions, types, epsilon, padding } = settings;
  const { input_ids } = inputs;
  const words = modules.embedding("word_embeddings", input_ids, vocabulary, width);
  const typed = add(words, typeEmbedding(modules, inputs, types, width));
  for (const name of ["LayerNorm.weight", "LayerNorm.bias"]) modules.parameter(name, [width]); // before the positions
  const table = modules.parameter("position_embeddings.weight", [positions, width]);
  return modules.layerNorm("LayerNorm", add(typed, gather(table, positionsOf(input_ids, padding), 0)), epsilon);
}

/** Tokens have positions from `padding` + 1 on, not counting padding; padding has the position `padding`. */
function positionsOf(ids: Value, padding: number): Value {
  const { graph } = ids;
  const [, t] = ids.shape;
  const upTo = tensor("float32", [t, t]);
  for (let i = 0; i < t * t; i++) if (Math.floor(i / t) <= i % t) upTo.data[i] = 1;
  const isToken = sub(scalar(graph, "float32", 1), cast(equal(ids, padding), "float32"));
  const counted = mul(matmul(isToken, graph.constant(upTo)), isToken);
  return cast(add(counted, padding), "int64");
}

function applyHead(modules: Modules, x: Value, head: Head, labels: number, settings: RobertaSettings): Value {
  const { width, vocabulary, epsilon } = settings;
  if (head === "token") return modules.linear("classifier", x, labels);
  if (head === "sequence") {
    const classifier = modules.within("classifier");
    return classifier.linear("out_proj", tanh(classifier.linear("dense", firstToken(x), width)), labels);
  }
  const own = modules.within("lm_head");
  const bias = own.parameter("bias", [vocabulary]);
  const changed = own.layerNorm("layer_norm", activations.gelu(own.linear("dense", x, width)), epsilon);
  return linear(changed, modules.parameter(wordEmbeddings, [vocabulary, width]), bias);
}

const family = (type: string, name: string): Family => ({
  type,
  architectures: encoderArchitectures(name),
  isChosenByArchitecture: true,
  read(config, architecture) {
    const settings = { ...readBert(config), padding: config.number("pad_token_id", 1) };
    const { head, task } = readHead(config, architecture);
    const { vocabulary, positions, types, padding } = settings;
    return tracedNetwork({
      input: { kind: "text", vocabulary, context: positions - padding - 1, isBounded: true, types },
      task,
      settings,
      prefix: "roberta.",
      heads: head === "token" ? ["classifier"] : ["classifier.out_proj"],
      ties: head === "masked" ? decoderTies(wordEmbeddings, "lm_head") : [],
      renames: oldNorms,
      unused: /^(roberta\.)?pooler\./,
      build(modules, inputs) {
        const base = modules.within("roberta");
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
});

export const roberta = family("roberta", "Roberta");
export const xlmRoberta = family("xlm-roberta", "XLMRoberta");
