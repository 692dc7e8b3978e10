// All families of networks. A new one is a file and a line here.
import type { Config } from "../config.ts";
import { decoderNetwork } from "../decoder/network.ts";
import { bert } from "./bert.ts";
import { distilbert } from "./distilbert.ts";
import type { DecoderFamily, Family } from "./family.ts";
import { gemma2, gemma3 } from "./gemma.ts";
import { gptNeox } from "./gpt-neox.ts";
import { gpt2 } from "./gpt2.ts";
import { llama, mistral, olmo2, phi3, qwen2, qwen3, smollm3 } from "./llama.ts";
import { modernbert } from "./modernbert.ts";
import { roberta, xlmRoberta } from "./roberta.ts";
import { visionFamilies } from "./vision/index.ts";

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

const encoders: readonly Family[] = [bert, roberta, xlmRoberta, distilbert, modernbert];

export const families: readonly Family[] = [
  ...decoders.map((family) => ({ ...family, read: (config: Config) => decoderNetwork(family.read(config)) })),
  ...encoders,
  ...visionFamilies,
];
