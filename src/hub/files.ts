// The files of a folder beside its weights: which of them decide what its network computes, and a copy of them for weights that training has changed.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { linkOrCopy, writeAtomic } from "../core/index.ts";
import { adapterSettings, baseOf, isAdapter } from "./adapter.ts";
import { findModel } from "./cache.ts";
import type { ModelFolder } from "./folder.ts";

/** The files that decide a folder's network and its tokens, those of its base too where it is an adapter; none where there is no such folder. */
export function modelFiles(path: string): string[] {
  const folder = findModel(path);
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => /\.(json|jinja|model|safetensors|bin)$/.test(name));
  const own = names.sort().map((name) => join(folder, name));
  if (!isAdapter(folder)) return own;
  const { base_model_name_or_path } = JSON.parse(readFileSync(join(folder, adapterSettings), "utf8"));
  return [...own, ...modelFiles(baseOf(folder, base_model_name_or_path))];
}

/** What `from_pretrained` reads beside the weights and config.json. */
const settings = [
  "generation_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
  "chat_template.jinja",
  "chat_template.json",
  "vocab.json",
  "merges.txt",
  "tokenizer.model",
];

/**
 * Makes a folder that `from_pretrained` loads: `model`'s network with the float32 weights of a safetensors file, which stays where it is. A folder that has
 * weights is left as it is.
 */
export async function completeFolder({ folder, adapter, config }: ModelFolder, to: string, weights: string) {
  const target = join(to, "model.safetensors");
  if (existsSync(target)) return;
  for (const name of settings) {
    const from = [...(adapter ? [adapter.folder] : []), folder].find((one) => existsSync(join(one, name)));
    if (from) await copyFile(join(from, name), join(to, name));
  }
  const text = await readFile(config.path, "utf8"); // not written anew: JSON here does not tell 1.0 from 1, Python does
  await writeAtomic(join(to, "config.json"), text.replaceAll(/("(?:torch_)?dtype"\s*:\s*)"\w+"/g, '$1"float32"'));
  await linkOrCopy(weights, target); // last: where it is, all is there
}
