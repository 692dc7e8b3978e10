// A text as samples of two folders: their tokenizer, which must be the same, and windows of its tokens.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../core/index.ts";
import { type DataOptions, type Dataset, findSplit, isDocuments, readDocuments } from "../../data/index.ts";
import type { ModelFolder } from "../folder.ts";
import type { NextTokenInput, TextInput } from "../network.ts";
import { encodeDocuments } from "./stream.ts";
import { cachedStream } from "./token-cache.ts";
import { readTokenizer, type Tokenizer } from "./tokenizer.ts";
import { windowsOf } from "./windows.ts";

/** Tokens of a window where nobody chose: the network's longest text, but no more than this. */
const usualContext = 512;

/** Opens a text file, or the file of a split in a folder, as windows. Throws {@link UserError} where the folders' tokenizers differ. */
export async function openText(name: string, options: DataOptions, models: readonly ModelFolder[]): Promise<Dataset> {
  if (!isDocuments(name))
    throw new UserError(
      `${name} is not a text. For a language model give a .txt, .jsonl or .parquet file, or a folder with train, valid or test files.`,
    );
  const input = models[0].network.input as NextTokenInput;
  const { samples, split } = options;
  const context = contextOf(input, options.context);
  const tokenizer = await commonTokenizer(models);
  const { path, name: own } = findSplit(name, split);
  const most = samples === undefined ? undefined : samples * context + 1;
  const stream = await cachedStream(path, tokenizer, most, () => encodeDocuments(readDocuments(path), tokenizer, most));
  return windowsOf(stream, { name, split: own, context, samples, vocabulary: input.vocabulary });
}

/** Tokens of a text at most. Throws {@link UserError} where the network cannot read so many. */
export function contextOf({ context: longest, isBounded }: NextTokenInput | TextInput, asked?: number): number {
  const context = asked ?? Math.min(longest, usualContext);
  if (isBounded && context > longest)
    throw new UserError(
      `The network knows ${longest} positions, but --context asks for ${context}. Ask for ${longest} or fewer.`,
    );
  return context;
}

/** The tokenizer of some folders. Throws {@link UserError} where they have different ones. */
export async function commonTokenizer(models: readonly ModelFolder[]): Promise<Tokenizer> {
  const [first, ...others] = await Promise.all(models.map(tokenizerOf));
  for (const [i, other] of others.entries())
    if (other.sha256 !== first.sha256)
      throw new UserError(
        `${models[0].path} and ${models[i + 1].path} have different tokenizers, so one text is different tokens to them. Give two models with one tokenizer.`,
      );
  return first;
}

/** An adapter may have a tokenizer of its own. */
const tokenizerOf = ({ folder, adapter }: ModelFolder) =>
  readTokenizer(adapter && existsSync(join(adapter.folder, "tokenizer.json")) ? adapter.folder : folder);
