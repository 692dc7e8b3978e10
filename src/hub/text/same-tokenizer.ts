// Checks from their files that two folders give a text the same ids. Otherwise the same row of their embeddings belongs
// to different tokens, and the average of the two is meaningless.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { sha256File, UserError } from "../../core/index.ts";
import type { ModelFolder } from "../folder.ts";
import { compareTokenizers } from "./compare.ts";
import { hasTokenizer, readTokenizerFiles, tokenizerFolder } from "./tokenizer.ts";

/** Throws {@link UserError} if both have a tokenizer and they differ. Returns a note if they could not be compared. */
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
  return [
    `The tokenizers of ${a.path} and ${b.path} could not be compared: the folders have different tokenizer files.`,
  ];
}

const differentTokenizers = (a: ModelFolder, b: ModelFolder, where: string) =>
  new UserError(
    `${a.path} and ${b.path} have different tokenizers (${where}), so the rows of their embeddings belong to different tokens. Give two models with the same tokenizer.`,
  );
