// A text as samples for folders that have the same tokenizer: windows of its tokens.
import { UserError } from "../../core/index.ts";
import { type DataOptions, type Dataset, findSplit, isDocuments, readDocuments } from "../../data/index.ts";
import type { ModelFolder } from "../folder.ts";
import { longestText } from "../network.ts";
import { encodeDocuments } from "./stream.ts";
import { cachedStream } from "./token-cache.ts";
import { readTokenizer, type Tokenizer, tokenizerFolder } from "./tokenizer.ts";
import { windowsOf } from "./windows.ts";

/** The default window is the network's longest text, but at most this many tokens. */
const usualContext = 512;

/**
 * Opens a text file, or the file of a split in a folder, for networks of one architecture. Throws {@link UserError} if
 * the folders' tokenizers differ, or if windows are longer than the network's positions.
 */
export async function openText(
  name: string,
  { context: asked, samples, split }: DataOptions,
  models: readonly ModelFolder[],
): Promise<Dataset> {
  const [{ path: folder, architecture, network }] = models;
  const { input } = network;
  if (input.kind !== "next token")
    throw new UserError(
      `${folder} is not a language model: ${architecture} does not read windows of a text. Give the folder of a language model.`,
    );
  const context = contextOf(models, asked);
  if (!isDocuments(name))
    throw new UserError(
      `${name} is not a text. For a language model give a .txt, .jsonl or .parquet file, or a folder with train, valid or test files.`,
    );
  const tokenizer = await commonTokenizer(models);
  const { path, name: own } = findSplit(name, split);
  const most = samples === undefined ? undefined : samples * context + 1;
  const stream = await cachedStream(path, tokenizer, most, () => encodeDocuments(readDocuments(path), tokenizer, most));
  return windowsOf(stream, { name, split: own, context, samples, vocabulary: input.vocabulary });
}

/** The most tokens of a sample. Throws {@link UserError} if it is more than the networks can read. */
export function contextOf(models: readonly ModelFolder[], asked?: number): number {
  const longest = Math.min(...models.map(({ network }) => longestText(network.input)));
  const context = asked ?? Math.min(longest, usualContext);
  const [{ network }] = models;
  if (network.input.kind !== "pixels" && network.input.isBounded && context > longest)
    throw new UserError(
      `The network has ${longest} positions, but --context (data.context in a recipe) is ${context}. Use ${longest} or less.`,
    );
  return context;
}

/** The tokenizer of some folders. Throws {@link UserError} if they have different ones. */
export async function commonTokenizer(models: readonly ModelFolder[]): Promise<Tokenizer> {
  const [first, ...others] = await Promise.all(models.map((model) => readTokenizer(tokenizerFolder(model))));
  for (const [i, other] of others.entries())
    if (other.sha256 !== first.sha256)
      throw new UserError(
        `${models[0].path} and ${models[i + 1].path} have different tokenizers, so they split a text into different tokens. Give two models with the same tokenizer.`,
      );
  return first;
}
