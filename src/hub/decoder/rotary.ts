// Reads the angles of rotary position embeddings from a config.json. Both the old keys (`rope_theta`, `rope_scaling`)
// and the new one (`rope_parameters`) are supported. Source: transformers' modeling_rope_utils.
import { type Config, isNumber } from "../config.ts";

/** Angles of a kind of layer: for T tokens, the inverse frequencies [dim/2], and the factor of cos and sin. */
export interface Rotary {
  /** Number of rotated channels of a head; the others do not change. */
  readonly dim: number;
  at(tokens: number): { readonly inverse: readonly number[]; readonly factor: number };
}

export interface RotaryOptions {
  readonly headDim: number;
  /** The rotary parameters; undefined for the default kind. */
  readonly parameters?: Config;
  readonly theta: number;
  /** Fraction of a head that is rotated. */
  readonly partial?: number;
  /** The longest text; some kinds scale by it. */
  readonly longest: number;
  /** The longest text before scaling, if it is not among the parameters. */
  readonly original?: number;
}

type Kind = (options: RotaryOptions & { readonly dim: number; readonly parameters: Config }) => Rotary["at"];

/** Old names of kinds. */
export const oldKinds: Readonly<Record<string, string>> = { su: "longrope" };

/** The part `rope_scaling` of a config, else `rope_parameters`. */
export const rotaryParameters = (config: Config): Config | undefined =>
  config.part("rope_scaling") ?? config.part("rope_parameters");

/** Reads the angles. Throws {@link UserError} for an unknown kind, and for missing parameters. */
export function readRotary(config: Config, options: RotaryOptions): Rotary {
  const parameters = options.parameters;
  const dim = Math.floor(
    options.headDim * (parameters?.number("partial_rotary_factor", options.partial ?? 1) ?? options.partial ?? 1),
  );
  const theta = parameters?.number("rope_theta", options.theta) ?? options.theta;
  const type = parameters ? parameters.text("rope_type", parameters.text("type", "default")) : "default";
  const kind = kinds[type];
  if (!kind) {
    const where = parameters!.has("rope_type") ? "rope_type" : "type";
    throw parameters!.unsupported(where, `is "${type}", an unknown kind of rotary embedding`);
  }
  return { dim, at: kind({ ...options, theta, dim, parameters: parameters ?? config }) };
}

/** base^(-2i/dim), in single precision as transformers computes it. */
const frequencies = (base: number, dim: number): number[] =>
  Array.from({ length: dim / 2 }, (_, i) => Math.fround(1 / Math.fround(base ** ((2 * i) / dim))));

const fixed =
  (inverse: readonly number[], factor = 1): Rotary["at"] =>
  () => ({ inverse, factor });

const kinds: Readonly<Record<string, Kind>> = {
  default: ({ theta, dim }) => fixed(frequencies(theta, dim)),

  linear({ theta, dim, parameters }) {
    const factor = parameters.number("factor");
    return fixed(frequencies(theta, dim).map((f) => f / factor));
  },

  // NTK: beyond the longest text, the base grows with the length
  dynamic({ theta, dim, longest, parameters }) {
    const factor = parameters.number("factor");
    return (tokens) => {
      const length = Math.max(tokens, longest);
      const base = theta * ((factor * length) / longest - (factor - 1)) ** (dim / (dim - 2));
      return { inverse: frequencies(base, dim), factor: 1 };
    };
  },

  llama3({ theta, dim, parameters }) {
    const factor = parameters.number("factor");
    const [low, high] = [parameters.number("low_freq_factor"), parameters.number("high_freq_factor")];
    const original = parameters.number("original_max_position_embeddings");
    const stretched = (inverse: number) => {
      const turns = (original * inverse) / (2 * Math.PI); // over the original length
      if (turns > high) return inverse;
      if (turns < low) return inverse / factor;
      const smooth = (turns - low) / (high - low);
      return ((1 - smooth) * inverse) / factor + smooth * inverse;
    };
    return fixed(frequencies(theta, dim).map(stretched));
  },

  yarn({ theta, dim, longest, parameters }) {
    const factor = parameters.number("factor");
    const original = parameters.number("original_max_position_embeddings", longest);
    const bound = (turns: number) => (dim * Math.log(original / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
    const exact = !parameters.flag("truncate", true);
    const [first, last] = [bound(parameters.number("beta_fast", 32)), bound(parameters.number("beta_slow", 1))];
    const low = Math.max(exact ? first : Math.floor(first), 0);
    const high = Math.min(exact ? last : Math.ceil(last), dim - 1);
    const ramp = (i: number) => Math.min(1, Math.max(0, (i - low) / (high === low ? 0.001 : high - low)));
    const inverse = frequencies(theta, dim).map((f, i) => (f / factor) * ramp(i) + f * (1 - ramp(i)));
    const scale = (m: number) => (factor <= 1 ? 1 : 0.1 * m * Math.log(factor) + 1);
    const both = parameters.has("mscale") && parameters.has("mscale_all_dim");
    const own = both ? scale(parameters.number("mscale")) / scale(parameters.number("mscale_all_dim")) : scale(1);
    return fixed(inverse, parameters.number("attention_factor", own));
  },

  longrope({ theta, dim, longest, original = longest, parameters }) {
    const [short, long] = ["short_factor", "long_factor"].map((key) => parameters.list(key, dim / 2, isNumber));
    const stretch = parameters.number("factor", longest / original);
    const own = stretch <= 1 ? 1 : Math.sqrt(1 + Math.log(stretch) / Math.log(original));
    const factor = parameters.number("attention_factor", own);
    const plain = frequencies(theta, dim);
    return (tokens) => {
      const by = tokens > original ? long : short;
      return { inverse: plain.map((f, i) => f / by[i]), factor };
    };
  },
};
