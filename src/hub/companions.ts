// What belongs to the weights of a folder and goes with them: config, tokenizer, generation config, chat templates, code that the config names, the licence.
// Weights in other formats, states of a training, pictures and the model card are no part of it.
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { ModelFolder } from "./folder.ts";
import { tokenizerFolder } from "./text/tokenizer.ts";

const companions = [/\.(json|jinja|model|tiktoken|txt|py)$/, /^(licen[cs]e|notice|copying|use_policy)/i];
/** sentence-transformers lists the parts of a model in modules.json, which would be incomplete without their folders. */
const strangers = [
  /^modules\.json$/,
  /\.index\.json$/,
  /^(merge|adapter_config)\.json$/,
  /(^|_)(results|state|args)\.json$/,
];
/** A folder of companions. */
const templates = "additional_chat_templates";
/** Those that an adapter may have instead of its base. */
const tokenizers =
  /^(tokenizer|special_tokens|added_tokens|chat_template|vocab|merges|additional_chat_templates)|\.(model|tiktoken|jinja)$/;

const isCompanion = (name: string) =>
  (companions.some((pattern) => pattern.test(basename(name))) || dirname(name) === templates) &&
  !strangers.some((pattern) => pattern.test(name));

export interface Companions {
  /** Where each of them is, by its name in the folder. */
  readonly paths: ReadonlyMap<string, string>;
  /** Names of what else is in the folder; of the base's, where it is an adapter. */
  readonly others: readonly string[];
}

/** Finds them. An adapter's own tokenizer takes the place of its base's. */
export async function findCompanions(model: Pick<ModelFolder, "folder" | "adapter">): Promise<Companions> {
  const { folder } = model;
  const own = await filesIn(folder);
  const from = tokenizerFolder(model);
  const isApart = from !== folder;
  const paths = new Map<string, string>();
  for (const name of own.filter(isCompanion))
    if (!(isApart && tokenizers.test(name))) paths.set(name, join(folder, name));
  if (isApart)
    for (const name of (await filesIn(from)).filter((one) => tokenizers.test(one) && isCompanion(one)))
      paths.set(name, join(from, name));
  return { paths, others: own.filter((name) => !isCompanion(name)) };
}

/** The files of a folder, and of those in it that hold companions; other folders by their own names. */
async function filesIn(folder: string, within = ""): Promise<string[]> {
  const names: string[] = [];
  for (const one of (await readdir(join(folder, within))).sort()) {
    const name = within ? `${within}/${one}` : one;
    const isFolder = (await stat(join(folder, name))).isDirectory(); // a file in the cache is a link
    if (isFolder && name === templates) names.push(...(await filesIn(folder, name)));
    else names.push(name);
  }
  return names;
}
