// Gemma 2 and 3: norms with an offset before and after both halves, scaled embeddings, windows in some layers, soft
// caps.
import type { Config } from "../config.ts";
import type { Block, Decoder } from "../decoder/decoder.ts";
import { type Rotary, readRotary } from "../decoder/rotary.ts";
import type { DecoderFamily } from "./family.ts";
import { plainRotary, readLlama, windowOf, withAttention } from "./llama.ts";

/** The parts that both versions have in common. */
function readGemma(
  config: Config,
  blocks: number,
  slides: (i: number) => boolean,
  change: (block: Block, window?: number) => Block,
): Decoder {
  config.only("use_bidirectional_attention", false);
  const window = config.size("sliding_window", 4096);
  const defaults = {
    keyValueHeads: 4,
    headDim: 256,
    isTied: true,
    activationKey: "hidden_activation",
    activation: "gelu_pytorch_tanh",
  };
  const decoder = readLlama(config, defaults, (block, i) => {
    const cap = config.has("attn_logit_softcapping") ? config.number("attn_logit_softcapping") : undefined;
    const gemma = {
      ...withAttention(block, { scale: config.number("query_pre_attn_scalar", 256) ** -0.5, cap }),
      before: { attention: "input_layernorm", mlp: "pre_feedforward_layernorm" },
      after: { attention: "post_attention_layernorm", mlp: "post_feedforward_layernorm" },
    };
    return change(gemma, windowOf(config, i, blocks, window, slides));
  });
  return {
    ...decoder,
    norm: { ...decoder.norm, isOffset: true },
    embeddingScale: Math.fround(Math.sqrt(decoder.width)),
    logitCap: config.has("final_logit_softcapping") ? config.number("final_logit_softcapping") : undefined,
  };
}

export const gemma2: DecoderFamily = {
  type: "gemma2",
  architectures: ["Gemma2ForCausalLM", "Gemma2Model"],
  read(config) {
    const full = config.with({
      attn_logit_softcapping:
        config.keys.attn_logit_softcapping === undefined ? 50 : config.keys.attn_logit_softcapping,
      final_logit_softcapping:
        config.keys.final_logit_softcapping === undefined ? 30 : config.keys.final_logit_softcapping,
    });
    const blocks = config.size("num_hidden_layers", 26);
    return readGemma(
      full,
      blocks,
      (i) => i % 2 === 0,
      (block, window) => withAttention(block, { window, rotary: plainRotary(config, block.attention.headDim) }),
    );
  },
};

export const gemma3: DecoderFamily = {
  type: "gemma3_text",
  architectures: ["Gemma3ForCausalLM", "Gemma3TextModel"],
  read(config) {
    const blocks = config.size("num_hidden_layers", 26);
    const every = config.size("sliding_window_pattern", 6);
    return readGemma(
      config,
      blocks,
      (i) => (i + 1) % every !== 0,
      (block, window) =>
        withAttention(block, {
          window,
          rotary: gemma3Rotary(config, block.attention.headDim, window !== undefined),
          norms: { q: "self_attn.q_norm", k: "self_attn.k_norm", over: "head" },
        }),
    );
  },
};

/** Sliding layers have their own angles. Old files scale only those of the full layers. */
function gemma3Rotary(config: Config, headDim: number, slides: boolean): Rotary {
  const nested = config.part("rope_parameters")?.part(slides ? "sliding_attention" : "full_attention");
  const [key, absent] = slides ? (["rope_local_base_freq", 1e4] as const) : (["rope_theta", 1e6] as const);
  return readRotary(config, {
    headDim,
    parameters: (slides ? undefined : config.part("rope_scaling")) ?? nested,
    theta: config.number(key, absent),
    longest: config.size("max_position_embeddings", 131072),
  });
}
