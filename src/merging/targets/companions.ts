// Files of a's folder that accompany the weights, such as the config and the tokenizer; they are copied to the merged
// folder.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { copyContent, listSome } from "../../core/index.ts";
import { findCompanions, type ModelFolder } from "../../hub/index.ts";

/**
 * Copies the companions and returns their names; `left` is a note about the files that were not copied and might
 * matter.
 */
export async function copyCompanions(
  model: ModelFolder,
  other: ModelFolder,
  weights: readonly string[],
  to: string,
): Promise<{ readonly copied: string[]; readonly left: string[] }> {
  const { paths, others } = await findCompanions(model);
  for (const [name, path] of paths) await copyContent(path, join(to, name));
  const parts = others.includes(list) ? await readParts(model, other) : { files: [], differing: [] };
  for (const name of parts.files) await copyContent(join(model.folder, name), join(to, name));
  const taken = new Set([...weights, ...parts.files.map((name) => name.split("/")[0])]);
  const tops = others.map((name) => name.split("/")[0]).filter((name) => !taken.has(name));
  const left = [...new Set(tops)].filter((name) => !/^\.|^readme/i.test(name));
  const notes = left.length ? [`Not copied from ${model.path}: ${listSome(left, 4)}.`] : [];
  if (parts.differing.length)
    notes.push(
      `${listSome(parts.differing, 3)} of sentence-transformers ${parts.differing.length > 1 ? "differ" : "differs"} between ${model.path} and ${other.path}, so ${list} is not copied, and the merged folder contains only the transformer.`,
    );
  return { copied: [...paths.keys(), ...parts.files], left: notes };
}

const list = "modules.json";

/**
 * The parts that sentence-transformers puts around a transformer: their list and files if both ends have the same, else
 * the parts that differ.
 */
async function readParts(
  { folder }: ModelFolder,
  { folder: other }: ModelFolder,
): Promise<{ readonly files: string[]; readonly differing: string[] }> {
  const files = [list];
  const parts = partsIn(await readFile(join(folder, list), "utf8"));
  const differing = parts && (await isSameFile(list, folder, other)) ? [] : [list];
  for (const part of parts ?? []) {
    const [own, others] = [await namesIn(join(folder, part)), await namesIn(join(other, part))];
    const names = own.map((name) => `${part}/${name}`);
    const areSame = await Promise.all(names.map((name) => isSameFile(name, folder, other)));
    if (String(own) !== String(others) || areSame.includes(false)) differing.push(part);
    files.push(...names);
  }
  return differing.length ? { files: [], differing } : { files, differing };
}

/**
 * The folders of the parts, without the transformer, which is in the folder itself. Undefined if it is not a list of
 * folder names.
 */
function partsIn(json: string): string[] | undefined {
  try {
    const parts = (JSON.parse(json) as { path: string }[]).map(({ path }) => path).filter((path) => path !== "");
    return parts.every((path) => /^\w[\w.-]*$/.test(path)) ? parts : undefined;
  } catch {
    return undefined;
  }
}

/** The files of a part's folder. A part without settings has no folder. */
const namesIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { withFileTypes: true }).catch(() => []))
    .filter((one) => !one.isDirectory())
    .map(({ name }) => name)
    .sort();

async function isSameFile(name: string, folder: string, other: string): Promise<boolean> {
  const [one, two] = await Promise.all(
    [folder, other].map((from) => readFile(join(from, name)).catch(() => undefined)),
  );
  return one !== undefined && two !== undefined && one.equals(two);
}
