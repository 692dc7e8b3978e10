// GPT-2: learned positions, weights [in, out], a joined projection, LayerNorms with biases, a head tied to the
// embedding.
import type { Block } from "../decoder/decoder.ts";
import { type DecoderFamily, readActivation } from "./family.ts";

export const gpt2: DecoderFamily = {
  type: "gpt2",
  architectures: ["GPT2LMHeadModel", "GPT2Model"],
  read(config) {
    config.only("scale_attn_weights", true);
    config.only("add_cross_attention", false);
    const width = config.size("n_embd", 768);
    const heads = config.size("n_head", 12);
    const byLayer = config.flag("scale_attn_by_inverse_layer_idx", false);
    const headDim = Math.floor(width / heads);
    const block = (i: number): Block => ({
      attention: {
        heads,
        keyValueHeads: heads,
        headDim,
        scale: headDim ** -0.5 / (byLayer ? i + 1 : 1),
        project: { kind: "rows", name: "attn.c_attn" },
        out: "attn.c_proj",
        hasBias: true,
        hasOutBias: true,
      },
      mlp: {
        width: config.sizeOrNull("n_inner", null) ?? 4 * width,
        activation: readActivation(config, "activation_function", "gelu_new"),
        project: { kind: "plain", up: "mlp.c_fc" },
        down: "mlp.c_proj",
        hasBias: true,
      },
      before: { attention: "ln_1", mlp: "ln_2" },
      after: {},
    });
    return {
      width,
      vocabulary: config.size("vocab_size", 50257),
      context: config.size("n_positions", config.has("n_ctx") ? config.size("n_ctx") : 1024),
      prefix: "transformer.",
      embedding: "wte",
      positions: "wpe",
      list: "h",
      blocks: Array.from({ length: config.size("n_layer", 12) }, (_, i) => block(i)),
      norm: { kind: "layer", epsilon: config.number("layer_norm_epsilon", 1e-5) },
      finalNorm: "ln_f",
      head: "lm_head",
      isTied: config.flag("tie_word_embeddings", true),
      isTransposed: true,
      order: ["ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj"],
    };
  },
};
