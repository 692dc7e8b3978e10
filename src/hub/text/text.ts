// A text as samples of two folders: their tokenizer, which must be the same, and windows of its tokens.
import { UserError } from "../../core/index.ts";
import { type DataOptions, type Dataset, findSplit, isDocuments, readDocuments } from "../../data/index.ts";
import type { ModelFolder } from "../folder.ts";
import { encodeDocuments } from "./stream.ts";
import { cachedStream } from "./token-cache.ts";
import { readTokenizer, tokenizerFolder } from "./tokenizer.ts";
import { windowsOf } from "./windows.ts";

export interface TextOptions extends DataOptions {
  readonly context: number;
}

/** Opens a text file, or the file of a split in a folder. Throws {@link UserError} where the folders' tokenizers differ. */
export async function openText(name: string, options: TextOptions, models: readonly ModelFolder[]): Promise<Dataset> {
  if (!isDocuments(name))
    throw new UserError(
      `${name} is not a text. For a language model give a .txt, .jsonl or .parquet file, or a folder with train, valid or test files.`,
    );
  const [first, ...others] = await Promise.all(models.map((model) => readTokenizer(tokenizerFolder(model))));
  for (const [i, other] of others.entries())
    if (other.sha256 !== first.sha256)
      throw new UserError(
        `${models[0].path} and ${models[i + 1].path} have different tokenizers, so one text is different tokens to them. Give two models with one tokenizer.`,
      );
  const { context, samples, split } = options;
  const { path, name: own } = findSplit(name, split);
  const most = samples === undefined ? undefined : samples * context + 1;
  const stream = await cachedStream(path, first, most, () => encodeDocuments(readDocuments(path), first, most));
  return windowsOf(stream, {
    name,
    split: own,
    context,
    samples,
    vocabulary: models[0].decoder.vocabulary,
  });
}
