// The interface of a family of networks: its name in config.json, and the reader of the config. A new family is a file
// and a line in index.ts.
import type { Activation } from "../activations.ts";
import type { Config } from "../config.ts";
import type { Decoder } from "../decoder/decoder.ts";
import type { FolderNetwork } from "../network.ts";

/** The number of attention heads, which must divide the width. */
export function readHeads(config: Config, key: string, width: number, absent = 12): number {
  const heads = config.size(key, absent);
  if (width % heads) throw config.fault(key, `is ${heads}, which does not divide the width ${width}`);
  return heads;
}

export interface Family {
  /** `model_type`. */
  readonly type: string;
  /** `architectures` of folders with this network. */
  readonly architectures: readonly string[];
  /** The architectures are different networks, not one network with and without its head. */
  readonly isChosenByArchitecture?: boolean;
  /**
   * Throws {@link UserError} for an unsupported setting. `architecture` is one of the above, or undefined if the config
   * names none.
   */
  read(config: Config, architecture?: string): FolderNetwork;
}

/** A family of decoders. Its architectures are the decoder with its head, and the base model on its own. */
export interface DecoderFamily extends Omit<Family, "read"> {
  read(config: Config): Decoder;
}

const known: Readonly<Record<string, Activation>> = {
  silu: "silu",
  swish: "silu",
  gelu: "gelu",
  gelu_new: "gelu_tanh",
  gelu_pytorch_tanh: "gelu_tanh",
  gelu_fast: "gelu_tanh",
  gelu_python: "gelu",
  gelu_python_tanh: "gelu_tanh",
  relu: "relu",
  quick_gelu: "quick_gelu",
};

/** The activation that a key names. Throws {@link UserError} for an unknown one. */
export function readActivation(config: Config, key: string, absent: string): Activation {
  const name = config.text(key, absent);
  if (!(name in known)) throw config.unsupported(key, `is "${name}", an unsupported activation`);
  return known[name];
}

/** The number of key and value heads, which must divide the number of heads. */
export function readKeyValueHeads(config: Config, heads: number, absent: number): number {
  const keyValueHeads = config.size("num_key_value_heads", absent);
  if (heads % keyValueHeads)
    throw config.fault("num_key_value_heads", `is ${keyValueHeads}, which does not divide the ${heads} heads`);
  return keyValueHeads;
}
