// The files that belong with the weights of a folder: config, tokenizer, generation config, chat templates, code that
// the config names, the licence. Weights in other formats, training states, pictures and the model card are not among
// them.
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { ModelFolder } from "./folder.ts";
import { tokenizerFolder } from "./text/tokenizer.ts";

const companions = [/\.(json|jinja|model|tiktoken|txt|py)$/, /^(licen[cs]e|notice|copying|use_policy)/i];
/** sentence-transformers lists the parts of a model in modules.json, which would be useless without their folders. */
const strangers = [
  /^modules\.json$/,
  /\.index\.json$/,
  /^(merge|adapter_config)\.json$/,
  /(^|_)(results|state|args)\.json$/,
];
/** A folder of companions. */
const templates = "additional_chat_templates";
/** Files that an adapter may have in place of its base's. */
const tokenizers =
  /^(tokenizer|special_tokens|added_tokens|chat_template|vocab|merges|additional_chat_templates)|\.(model|tiktoken|jinja)$/;

const isCompanion = (name: string) =>
  (companions.some((pattern) => pattern.test(basename(name))) || dirname(name) === templates) &&
  !strangers.some((pattern) => pattern.test(name));

export interface Companions {
  /** Their paths, by their names in the folder. */
  readonly paths: ReadonlyMap<string, string>;
  /** Names of the other files in the folder; for an adapter, in its base's folder. */
  readonly others: readonly string[];
}

/** Finds the companions. An adapter's own tokenizer replaces its base's. */
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

/** The files of a folder, including those in subfolders of companions. Other subfolders are listed by name. */
async function filesIn(folder: string, within = ""): Promise<string[]> {
  const names: string[] = [];
  for (const one of (await readdir(join(folder, within))).sort()) {
    const name = within ? `${within}/${one}` : one;
    const isFolder = (await stat(join(folder, name))).isDirectory(); // files in the cache are links
    if (isFolder && name === templates) names.push(...(await filesIn(folder, name)));
    else names.push(name);
  }
  return names;
}
