// ModernBERT: blocks that normalise before each half, rotary positions, gated MLPs, and attention that is local in most
// blocks.
import { add, cast, div, linear, mul, reduceSum, reshape, slice, type Value } from "../../graph/index.ts";
import type { Inputs } from "../../models/index.ts";
import { type Activation, activations } from "../activations.ts";
import type { Config, Json } from "../config.ts";
import { type Rotary, readRotary } from "../decoder/rotary.ts";
import { rotate } from "../decoder/rotate.ts";
import { attend, localMask, paddingMask } from "../traced/attention.ts";
import type { Modules } from "../traced/modules.ts";
import { tracedNetwork } from "../traced/network.ts";
import { firstToken } from "./bert.ts";
import { type Family, readActivation, readHeads } from "./family.ts";
import { encoderArchitectures, type Head, readHead } from "./labels.ts";

type Kind = "full_attention" | "sliding_attention";

interface Settings {
  readonly width: number;
  readonly heads: number;
  readonly inner: number;
  readonly activation: Activation;
  readonly epsilon: number;
  readonly vocabulary: number;
  readonly blocks: readonly Kind[];
  /** Number of tokens on either side that a query of a local block sees. */
  readonly reach: number;
  readonly rotary: Readonly<Record<Kind, Rotary>>;
  readonly hasBias: {
    readonly norm: boolean;
    readonly attention: boolean;
    readonly mlp: boolean;
    readonly head: boolean;
  };
  readonly head: { readonly activation: Activation; readonly pooling: string; readonly hasDecoderBias: boolean };
}

const wordEmbeddings = "model.embeddings.tok_embeddings.weight";

function readSettings(config: Config): Settings {
  const width = config.size("hidden_size", 768);
  const heads = readHeads(config, "num_attention_heads", width);
  config.only("head_dim", width / heads);
  config.only("rope_scaling");
  const pooling = config.text("classifier_pooling", "cls");
  if (pooling !== "cls" && pooling !== "mean")
    throw config.fault("classifier_pooling", `is "${pooling}", not cls or mean`);
  const angles = (kind: Kind, key: string, theta: number) => readAngles(config, kind, key, theta, width / heads);
  return {
    width,
    heads,
    inner: config.size("intermediate_size", 1152),
    activation: readActivation(config, "hidden_activation", "gelu"),
    epsilon: config.number("norm_eps", 1e-5),
    vocabulary: config.size("vocab_size", 50368),
    blocks: readKinds(config),
    reach: Math.floor(config.size("local_attention", 128) / 2),
    rotary: {
      full_attention: angles("full_attention", "global_rope_theta", 160000),
      sliding_attention: angles("sliding_attention", "local_rope_theta", 10000),
    },
    hasBias: {
      norm: config.flag("norm_bias", false),
      attention: config.flag("attention_bias", false),
      mlp: config.flag("mlp_bias", false),
      head: config.flag("classifier_bias", false),
    },
    head: {
      activation: readActivation(config, "classifier_activation", "gelu"),
      pooling,
      hasDecoderBias: config.flag("decoder_bias", true),
    },
  };
}

/** The kind of each block, by `layer_types`, else by the interval key of version 4. */
function readKinds(config: Config): readonly Kind[] {
  const blocks = config.size("num_hidden_layers", 22);
  const isKind = (value: Json): value is Kind => value === "full_attention" || value === "sliding_attention";
  if (config.has("layer_types")) return config.list("layer_types", blocks, isKind);
  const every = config.size("global_attn_every_n_layers", 3);
  return Array.from({ length: blocks }, (_, i) => (i % every ? "sliding_attention" : "full_attention"));
}

/** Angles from the `rope_parameters` of the kind, else from the key of version 4. */
function readAngles(config: Config, kind: Kind, key: string, theta: number, headDim: number): Rotary {
  const all = config.part("rope_parameters");
  if (all && !all.has("full_attention") && !all.has("sliding_attention"))
    throw config.fault("rope_parameters", "lacks full_attention or sliding_attention");
  if (config.keys[key] === null) throw config.fault(key, "is null, which library versions interpret differently");
  const parameters = all?.part(kind);
  parameters?.only("rope_type", "default");
  parameters?.only("partial_rotary_factor", 1);
  const longest = config.size("max_position_embeddings", 8192);
  return readRotary(config, { headDim, parameters, theta: config.number(key, theta), longest });
}

function encode(modules: Modules, { input_ids, attention_mask }: Inputs, settings: Settings): Value {
  const { width, heads, vocabulary, epsilon, blocks, reach, rotary, hasBias } = settings;
  const norm = (own: Modules, name: string, x: Value) => own.layerNorm(name, x, epsilon, { hasBias: hasBias.norm });
  const embeddings = modules.within("embeddings");
  let x = norm(embeddings, "norm", embeddings.embedding("tok_embeddings", input_ids, vocabulary, width));
  const padding = attention_mask && paddingMask(attention_mask);
  const near = localMask(x.graph, x.shape[1], reach);
  const masks = { full_attention: padding, sliding_attention: padding ? add(padding, near) : near };
  for (const [i, kind] of blocks.entries()) {
    const block = modules.within(`layers.${i}`);
    const normal = i === 0 ? x : norm(block, "attn_norm", x); // the first block reads normalised embeddings
    const joined = block.linear("attn.Wqkv", normal, 3 * width, { hasBias: hasBias.attention });
    const projected = [0, 1, 2].map((part) => slice(joined, 2, part * width, (part + 1) * width));
    const attended = attend(projected, { heads, mask: masks[kind], turn: (one) => rotate(one, rotary[kind]) });
    x = add(x, block.linear("attn.Wo", attended, width, { hasBias: hasBias.attention }));
    x = add(x, applyMlp(block.within("mlp"), norm(block, "mlp_norm", x), settings));
  }
  return norm(modules, "final_norm", x);
}

function applyMlp(modules: Modules, x: Value, { width, inner, activation, hasBias }: Settings): Value {
  const both = modules.linear("Wi", x, 2 * inner, { hasBias: hasBias.mlp });
  const gated = mul(activations[activation](slice(both, 2, 0, inner)), slice(both, 2, inner, 2 * inner));
  return modules.linear("Wo", gated, width, { hasBias: hasBias.mlp });
}

/** Pools each text: its first token, or the mean of its tokens without padding. */
function pool(x: Value, { attention_mask }: Inputs, pooling: string): Value {
  if (pooling === "cls") return firstToken(x);
  const [n, t, width] = x.shape;
  if (!attention_mask) return reshape(div(reduceSum(x, [1]), t), [n, width]);
  const counted = cast(attention_mask, "float32");
  const sum = reduceSum(mul(x, reshape(counted, [n, t, 1])), [1]);
  return div(sum, reduceSum(counted, [1], { keep: true }));
}

function applyHead(modules: Modules, x: Value, head: Head, labels: number, settings: Settings): Value {
  const { width, vocabulary, epsilon, hasBias, head: own } = settings;
  const changed = activations[own.activation](modules.linear("head.dense", x, width, { hasBias: hasBias.head }));
  const normal = modules.layerNorm("head.norm", changed, epsilon, { hasBias: hasBias.norm });
  if (head !== "masked") return modules.linear("classifier", normal, labels);
  const weight = modules.parameter(wordEmbeddings, [vocabulary, width]);
  return linear(normal, weight, own.hasDecoderBias ? modules.parameter("decoder.bias", [vocabulary]) : null);
}

export const modernbert: Family = {
  type: "modernbert",
  architectures: encoderArchitectures("ModernBert"),
  isChosenByArchitecture: true,
  read(config, architecture) {
    const settings = readSettings(config);
    const { head, task } = readHead(config, architecture);
    const context = config.size("max_position_embeddings", 8192);
    return tracedNetwork({
      input: { kind: "text", vocabulary: settings.vocabulary, context, isBounded: false, types: 0 },
      task,
      settings,
      isRotated: true,
      prefix: "model.",
      heads: ["classifier"],
      ties: head === "masked" ? [[wordEmbeddings, "decoder.weight"]] : [],
      build(modules, inputs) {
        const x = encode(modules.within("model"), inputs, settings);
        const own = head === "sequence" ? pool(x, inputs, settings.head.pooling) : x;
        return applyHead(modules, own, head, task.count, settings);
      },
    });
  },
};
