// A text as samples of two folders: their tokenizer, which must be the same, and windows of its tokens.
import { UserError } from "../../core/index.ts";
import { type DataOptions, type Dataset, findSplit, isDocuments, readDocuments } from "../../data/index.ts";
import type { ModelFolder } from "../folder.ts";
import { encodeDocuments } from "./stream.ts";
import { cachedStream } from "./token-cache.ts";
import { readTokenizer, tokenizerFolder } from "./tokenizer.ts";
import { windowsOf } from "./windows.ts";

/** Tokens of a window where nobody chose: the network's longest text, but no more than this. */
const usualContext = 512;

/**
 * Opens a text file, or the file of a split in a folder, for networks of one architecture. Throws {@link UserError} where the folders' tokenizers differ,
 * or windows are longer than the network's positions.
 */
export async function openText(
  name: string,
  { context: asked, samples, split }: DataOptions,
  models: readonly ModelFolder[],
): Promise<Dataset> {
  const { isBounded, vocabulary } = models[0].network.input;
  const longest = Math.min(...models.map(({ network }) => network.input.context));
  const context = asked ?? Math.min(longest, usualContext);
  if (isBounded && context > longest)
    throw new UserError(
      `The network knows ${longest} positions, but --context (data.context in a recipe) asks for ${context}. Ask for ${longest} or fewer.`,
    );
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
  const { path, name: own } = findSplit(name, split);
  const most = samples === undefined ? undefined : samples * context + 1;
  const stream = await cachedStream(path, first, most, () => encodeDocuments(readDocuments(path), first, most));
  return windowsOf(stream, {
    name,
    split: own,
    context,
    samples,
    vocabulary,
  });
}
