// Llama, and the families that differ from it in a few settings.
import { type Config, isNumber } from "../config.ts";
import type { Attention, Block, Decoder, Mlp } from "../decoder/decoder.ts";
import { oldKinds, type Rotary, readRotary, rotaryParameters } from "../decoder/rotary.ts";
import { type DecoderFamily, readActivation, readKeyValueHeads } from "./family.ts";

/** The defaults that a family changes. `i` is the index of a block, from 0. */
export interface LlamaDefaults {
  readonly keyValueHeads?: number;
  readonly headDim?: number;
  readonly theta?: number;
  readonly epsilon?: number;
  readonly isTied?: boolean;
  readonly activationKey?: string;
  readonly activation?: string;
}

/** Reads a Llama-like decoder; `blockOf` changes a block. */
export function readLlama(
  config: Config,
  defaults: LlamaDefaults = {},
  blockOf: (block: Block, i: number, rotary: () => Rotary) => Block = (block) => block,
): Decoder {
  const width = config.size("hidden_size", 4096);
  const heads = config.size("num_attention_heads", 32);
  const headDim = config.size("head_dim", defaults.headDim ?? Math.floor(width / heads));
  const keyValueHeads = readKeyValueHeads(config, heads, defaults.keyValueHeads ?? heads);
  let angles: Rotary | undefined; // shared by all blocks
  const rotary = () => (angles ??= plainRotary(config, headDim, defaults.theta));
  const bias = config.flag("attention_bias", false);
  const attention: Attention = {
    heads,
    keyValueHeads,
    headDim,
    scale: headDim ** -0.5,
    project: { kind: "separate", q: "self_attn.q_proj", k: "self_attn.k_proj", v: "self_attn.v_proj" },
    out: "self_attn.o_proj",
    hasBias: bias,
    hasOutBias: bias,
  };
  const mlp: Mlp = {
    width: config.size("intermediate_size", 11008),
    activation: readActivation(config, defaults.activationKey ?? "hidden_act", defaults.activation ?? "silu"),
    project: { kind: "gated", gate: "mlp.gate_proj", up: "mlp.up_proj" },
    down: "mlp.down_proj",
    hasBias: false,
  };
  const block: Block = {
    attention,
    mlp,
    before: { attention: "input_layernorm", mlp: "post_attention_layernorm" },
    after: {},
  };
  return {
    width,
    vocabulary: config.size("vocab_size", 32000),
    context: config.size("max_position_embeddings", 2048),
    prefix: "model.",
    embedding: "embed_tokens",
    list: "layers",
    blocks: Array.from({ length: config.size("num_hidden_layers", 32) }, (_, i) => blockOf(block, i, rotary)),
    norm: { kind: "rms", epsilon: config.number("rms_norm_eps", defaults.epsilon ?? 1e-6) },
    finalNorm: "norm",
    head: "lm_head",
    isTied: config.flag("tie_word_embeddings", defaults.isTied ?? false),
  };
}

/** Angles from `rope_theta` and `rope_scaling`, or `rope_parameters`, for the whole of each head. */
export function plainRotary(config: Config, headDim: number, theta = 10000): Rotary {
  const parameters = rotaryParameters(config);
  parameters?.only("partial_rotary_factor", 1);
  if (parameters && parameters.text("rope_type", parameters.text("type", "default")) !== "default")
    config.only("partial_rotary_factor", 1); // Llama's default kind ignores it
  return readRotary(config, {
    headDim,
    parameters,
    theta: config.number("rope_theta", theta),
    longest: config.size("max_position_embeddings", 2048),
  });
}

/** The block with changes to its attention. */
export const withAttention = (block: Block, changes: Partial<Attention>): Block => ({
  ...block,
  attention: { ...block.attention, ...changes },
});

/** The window of a sliding layer, by `layer_types`, else by a rule of the family. */
export function windowOf(
  config: Config,
  i: number,
  blocks: number,
  window: number | null,
  rule: (i: number) => boolean,
) {
  const kinds = config.has("layer_types")
    ? config.list("layer_types", blocks, (v): v is string => v === "full_attention" || v === "sliding_attention")
    : undefined;
  const slides = kinds ? kinds[i] === "sliding_attention" : rule(i);
  if (slides && window === null) throw config.fault("layer_types", "has sliding layers, but sliding_window is not set");
  return slides ? (window ?? undefined) : undefined;
}

const architectures = (name: string) => [`${name}ForCausalLM`, `${name}Model`];

export const llama: DecoderFamily = {
  type: "llama",
  architectures: architectures("Llama"),
  read(config) {
    const hasBias = config.flag("mlp_bias", false);
    return readLlama(config, {}, (block, _, rotary) => ({
      ...withAttention(block, { rotary: rotary() }),
      mlp: { ...block.mlp, hasBias },
    }));
  },
};

export const mistral: DecoderFamily = {
  type: "mistral",
  architectures: architectures("Mistral"),
  read(config) {
    const window = config.sizeOrNull("sliding_window", 4096) ?? undefined;
    config.only("layer_types"); // a key of later families
    return readLlama(config, { keyValueHeads: 8 }, (block, _, rotary) =>
      withAttention(block, { rotary: rotary(), window, hasBias: false, hasOutBias: false }),
    );
  },
};

/** Qwen's rule: with use_sliding_window, the later blocks slide. */
function qwenWindow(config: Config, i: number): number | undefined {
  const uses = config.flag("use_sliding_window", false);
  const first = config.number("max_window_layers", 28);
  const window = uses ? config.sizeOrNull("sliding_window", 4096) : null;
  return windowOf(
    config,
    i,
    config.size("num_hidden_layers", 32),
    window,
    (block) => window !== null && block >= first,
  );
}

export const qwen2: DecoderFamily = {
  type: "qwen2",
  architectures: architectures("Qwen2"),
  read: (config) =>
    readLlama(config, { keyValueHeads: 32 }, (block, i, rotary) =>
      withAttention(block, { rotary: rotary(), window: qwenWindow(config, i), hasBias: true, hasOutBias: false }),
    ),
};

export const qwen3: DecoderFamily = {
  type: "qwen3",
  architectures: architectures("Qwen3"),
  read: (config) =>
    readLlama(config, { keyValueHeads: 32, headDim: 128 }, (block, i, rotary) =>
      withAttention(block, {
        rotary: rotary(),
        window: qwenWindow(config, i),
        norms: { q: "self_attn.q_norm", k: "self_attn.k_norm", over: "head" },
      }),
    ),
};

export const smollm3: DecoderFamily = {
  type: "smollm3",
  architectures: architectures("SmolLM3"),
  read(config) {
    const blocks = config.size("num_hidden_layers", 36);
    const interval = config.size("no_rope_layer_interval", 4);
    const rotates = config.has("no_rope_layers")
      ? config.list("no_rope_layers", blocks, isNumber)
      : Array.from({ length: blocks }, (_, i) => Number((i + 1) % interval !== 0));
    const window = config.flag("use_sliding_window", false) ? config.sizeOrNull("sliding_window", null) : null;
    const hasBias = config.flag("mlp_bias", false);
    return readLlama(config, { keyValueHeads: 4, theta: 2e6, isTied: true }, (block, i, rotary) => ({
      ...withAttention(block, {
        rotary: rotates[i] ? rotary() : undefined,
        window: windowOf(config, i, blocks, window, () => window !== null && !rotates[i]),
      }),
      mlp: { ...block.mlp, hasBias },
    }));
  },
};

export const olmo2: DecoderFamily = {
  type: "olmo2",
  architectures: architectures("Olmo2"),
  read: (config) =>
    readLlama(config, { epsilon: 1e-5 }, (block, _, rotary) => ({
      ...withAttention(block, {
        rotary: rotary(),
        norms: { q: "self_attn.q_norm", k: "self_attn.k_norm", over: "whole" },
      }),
      before: {},
      after: { attention: "post_attention_layernorm", mlp: "post_feedforward_layernorm" },
    })),
};

export const phi3: DecoderFamily = {
  type: "phi3",
  architectures: architectures("Phi3"),
  read(config) {
    const window = config.sizeOrNull("sliding_window", null) ?? undefined;
    const decoder = readLlama(config, { epsilon: 1e-5 }, (block) => ({
      ...withAttention(block, {
        rotary: phiRotary(config, block.attention.headDim),
        window,
        project: { kind: "rows", name: "self_attn.qkv_proj" },
        hasBias: false,
        hasOutBias: false,
      }),
      mlp: { ...block.mlp, project: { kind: "gated rows", name: "mlp.gate_up_proj" } },
    }));
    const halves = ["self_attn.o_proj", "self_attn.qkv_proj", "mlp.gate_up_proj", "mlp.down_proj"];
    return { ...decoder, order: [...halves, "input_layernorm", "post_attention_layernorm"] };
  },
};

/** Phi-3 has two kinds: the default one, and longrope. Old files call longrope su (the oldest) or yarn. */
function phiRotary(config: Config, headDim: number): Rotary {
  const given = rotaryParameters(config);
  const own = given?.text("rope_type", given.text("type", "default")) ?? "default";
  const type = own === "yarn" ? "longrope" : (oldKinds[own] ?? own);
  if (given && !["default", "longrope"].includes(type))
    throw given.fault(given.has("rope_type") ? "rope_type" : "type", `is "${own}", which Phi-3 does not support`);
  return readRotary(config, {
    headDim,
    parameters: given?.with({ rope_type: type }),
    theta: config.number("rope_theta", 10000),
    partial: config.number("partial_rotary_factor", 1),
    longest: config.size("max_position_embeddings", 4096),
    original: config.size("original_max_position_embeddings", 4096),
  });
}
