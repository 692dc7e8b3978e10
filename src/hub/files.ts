// The files of a folder other than its weights: those that determine what its network computes, and a copy of them for
// newly trained weights.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { copyContent, decodeText, linkOrCopy, readText, writeAtomic } from "../core/index.ts";
import { adapterSettings, baseOf, isAdapter } from "./adapter.ts";
import { findModel } from "./cache.ts";
import { findCompanions } from "./companions.ts";
import type { ModelFolder } from "./folder.ts";

/**
 * The files that determine a folder's network and tokenizer. An adapter's include those of its base. A missing folder
 * has none.
 */
export function modelFiles(path: string): string[] {
  const folder = findModel(path);
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => /\.(json|jinja|model|safetensors|bin)$/.test(name));
  const own = names.sort().map((name) => join(folder, name));
  if (!isAdapter(folder)) return own;
  const settings = join(folder, adapterSettings);
  const { base_model_name_or_path } = JSON.parse(decodeText(readFileSync(settings), settings));
  return [...own, ...modelFiles(baseOf(folder, base_model_name_or_path))];
}

/**
 * Makes a folder that `from_pretrained` loads: `model`'s network with the float32 weights of a safetensors file, which
 * is not moved. A folder that already has weights is left unchanged.
 */
export async function completeFolder(model: ModelFolder, to: string, weights: string): Promise<void> {
  const target = join(to, "model.safetensors");
  if (existsSync(target)) return;
  const { paths } = await findCompanions(model);
  for (const [name, path] of paths) if (name !== "config.json") await copyContent(path, join(to, name));
  // as text: JSON.parse does not distinguish 1.0 from 1, but Python does
  const text = await readText(model.config.path);
  await writeAtomic(join(to, "config.json"), text.replaceAll(/("(?:torch_)?dtype"\s*:\s*)"\w+"/g, '$1"float32"'));
  await linkOrCopy(weights, target); // last, so that its presence means that the folder is complete
}
