// What belongs to the weights of a folder and goes with them: config, tokenizer, generation config, chat templates, code that the config names, the licence.
// Weights in other formats, states of a training, pictures and the model card of a are left behind.
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { describeFileError, listSome, writeAtomic } from "../../core/index.ts";
import type { ModelFolder } from "../../hub/index.ts";

const companions = [/\.(json|jinja|model|tiktoken|txt|py)$/, /^(licen[cs]e|notice|copying|use_policy)/i];
const strangers = [/\.index\.json$/, /^(merge|adapter_config)\.json$/, /(^|_)(results|state|args)\.json$/];
/** A folder of companions. */
const templates = "additional_chat_templates";
/** Those that an adapter may have instead of its base. */
const tokenizers =
  /^(tokenizer|special_tokens|added_tokens|chat_template|vocab|merges|additional_chat_templates)|\.(model|tiktoken|jinja)$/;

const isCompanion = (name: string) =>
  (companions.some((pattern) => pattern.test(basename(name))) || dirname(name) === templates) &&
  !strangers.some((pattern) => pattern.test(name));

/** Copies them, and returns their names; `left` is a note of what was not copied, but for what is never of use. */
export async function copyCompanions(
  { path, folder, adapter }: ModelFolder,
  weights: readonly string[],
  to: string,
): Promise<{ readonly copied: string[]; readonly left: string[] }> {
  const own = await filesIn(folder);
  const others = adapter ? (await filesIn(adapter.folder)).filter((name) => tokenizers.test(name)) : [];
  const hasOwn = others.includes("tokenizer.json");
  const from = new Map<string, string>();
  for (const name of own.filter(isCompanion)) if (!(hasOwn && tokenizers.test(name))) from.set(name, folder);
  if (adapter && hasOwn) for (const name of others.filter(isCompanion)) from.set(name, adapter.folder);
  for (const [name, source] of from) {
    await copyWhole(join(source, name), join(to, name));
  }
  const left = [...new Set(own.filter((name) => !isCompanion(name) && !weights.includes(name)).map(topOf))].filter(
    (name) => !/^\.|^readme/i.test(name),
  );
  return {
    copied: [...from.keys()],
    left: left.length ? [`Not copied from ${path}: ${listSome(left, 4)}.`] : [],
  };
}

/** Copies the content of a file, not its rights: those of a cache may not be for writing. */
export async function copyWhole(path: string, to: string): Promise<void> {
  const content = await readFile(path).catch((error) => {
    throw describeFileError(error, path, "read");
  });
  await writeAtomic(to, content);
}

const topOf = (name: string): string => name.split("/")[0];

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
