// GPT-NeoX (Pythia): parallel halves, a projection joined head by head, partly rotated heads, and an untied output head
// named embed_out.
import type { Block } from "../decoder/decoder.ts";
import { readRotary, rotaryParameters } from "../decoder/rotary.ts";
import { type DecoderFamily, readActivation } from "./family.ts";

export const gptNeox: DecoderFamily = {
  type: "gpt_neox",
  architectures: ["GPTNeoXForCausalLM", "GPTNeoXModel"],
  read(config) {
    const width = config.size("hidden_size", 6144);
    const heads = config.size("num_attention_heads", 64);
    const headDim = Math.floor(width / heads);
    const longest = config.size("max_position_embeddings", 2048);
    const bias = config.flag("attention_bias", true);
    const block: Block = {
      attention: {
        heads,
        keyValueHeads: heads,
        headDim,
        scale: headDim ** -0.5,
        project: { kind: "heads", name: "attention.query_key_value" },
        out: "attention.dense",
        hasBias: bias,
        hasOutBias: bias,
        rotary: readRotary(config, {
          headDim,
          parameters: rotaryParameters(config),
          theta: config.number("rotary_emb_base", 10000),
          partial: config.number("rotary_pct", 0.25),
          longest,
        }),
      },
      mlp: {
        width: config.size("intermediate_size", 24576),
        activation: readActivation(config, "hidden_act", "gelu"),
        project: { kind: "plain", up: "mlp.dense_h_to_4h" },
        down: "mlp.dense_4h_to_h",
        hasBias: true,
      },
      before: { attention: "input_layernorm", mlp: "post_attention_layernorm" },
      after: {},
      isParallel: config.flag("use_parallel_residual", true),
    };
    const halves = ["attention.query_key_value", "attention.dense", "mlp.dense_h_to_4h", "mlp.dense_4h_to_h"];
    return {
      width,
      vocabulary: config.size("vocab_size", 50432),
      context: longest,
      prefix: "gpt_neox.",
      embedding: "embed_in",
      list: "layers",
      blocks: Array.from({ length: config.size("num_hidden_layers", 44) }, () => block),
      norm: { kind: "layer", epsilon: config.number("layer_norm_eps", 1e-5) },
      finalNorm: "final_layer_norm",
      head: "embed_out",
      isTied: config.flag("tie_word_embeddings", false),
      order: ["input_layernorm", "post_attention_layernorm", ...halves],
    };
  },
};
