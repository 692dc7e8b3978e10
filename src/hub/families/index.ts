// Every family of networks by its `model_type`. A new one is a file and a line here.
import { decoderNetwork } from "../decoder/network.ts";
import type { DecoderFamily, Family } from "./family.ts";
import { gemma2, gemma3 } from "./gemma.ts";
import { gptNeox } from "./gpt-neox.ts";
import { gpt2 } from "./gpt2.ts";
import { llama, mistral, olmo2, phi3, qwen2, qwen3, smollm3 } from "./llama.ts";

export type { Family } from "./family.ts";

export const decoders: readonly DecoderFamily[] = [
  gptNeox,
  gpt2,
  llama,
  mistral,
  qwen2,
  qwen3,
  smollm3,
  gemma2,
  gemma3,
  phi3,
  olmo2,
];

export const families: readonly Family[] = decoders.map((family) => ({
  ...family,
  read: (config) => decoderNetwork(family.read(config)),
}));
