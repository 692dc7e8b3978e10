// Whether two folders give a text the same ids, by their files alone: where they do not, a row of one embedding is another token than the same row of the
// other, and an average of the two is garbage.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { sha256File, UserError } from "../../core/index.ts";
import type { ModelFolder } from "../folder.ts";
import { compareTokenizers } from "./compare.ts";
import { hasTokenizer, readTokenizerFiles, tokenizerFolder } from "./tokenizer.ts";

/** Throws {@link UserError} where both have a tokenizer and they differ. Returns a note where that could not be compared. */
export async function requireSameTokenizer(a: ModelFolder, b: ModelFolder): Promise<string[]> {
  const folders = [a, b].map(tokenizerFolder);
  if (folders.every(hasTokenizer)) {
    const difference = compareTokenizers(await readTokenizerFiles(folders[0]), await readTokenizerFiles(folders[1]));
    if (difference && !difference.isAround) throw differentTokenizers(a, b, `tokenizer.json: ${difference.says}`);
    return [];
  }
  const models = folders.map((folder) => join(folder, "tokenizer.model"));
  if (models.every((path) => existsSync(path))) {
    if ((await sha256File(models[0])) !== (await sha256File(models[1])))
      throw differentTokenizers(a, b, "tokenizer.model");
    return [];
  }
  return [`Whether ${a.path} and ${b.path} have the same tokenizer is unknown: they do not have the same file of it.`];
}

const differentTokenizers = (a: ModelFolder, b: ModelFolder, where: string) =>
  new UserError(
    `${a.path} and ${b.path} have different tokenizers (${where}), so the rows of their embeddings mean different tokens. Give two models with one tokenizer.`,
  );
