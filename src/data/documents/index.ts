// Text files: a .txt, .jsonl or .parquet file, or a folder with a file for each split. Each file contains documents,
// which the tokenizer turns into tokens.
import { existsSync, statSync } from "node:fs";
import { extname, join } from "node:path";
import { describeFileError, listSome, readText, UserError } from "../../core/index.ts";
import { type Split, splits } from "../dataset.ts";
import { splitNames } from "../locate/splits.ts";
import type { Document } from "./document.ts";
import { readJsonLines } from "./jsonl.ts";
import { readParquet } from "./parquet.ts";

export type { Document, Message } from "./document.ts";

const readers: Readonly<Record<string, (path: string) => AsyncGenerator<Document>>> = {
  ".txt": readWhole,
  ".jsonl": readJsonLines,
  ".ndjson": readJsonLines,
  ".parquet": readParquet,
};

/** The whole file is one document, unchanged except for a byte order mark. */
async function* readWhole(path: string): AsyncGenerator<Document> {
  yield { text: await readText(path) };
}

/** True for a file that {@link readDocuments} reads, or a folder of such files. */
export const isDocuments = (path: string): boolean =>
  extname(path) in readers || (existsSync(path) && isFolder(path) && splitsIn(path).length > 0);

/**
 * The file of a split in a folder; default: `test`, else the first. A single file counts as `test`, or as `train` if
 * networks are trained on it. Throws a {@link UserError} that lists the splits.
 */
export function findSplit(path: string, split?: Split): SplitFile {
  if (!isFolder(path)) {
    if (split !== undefined && split !== "train")
      throw new UserError(
        `${path} is a single file, so it has no splits. Omit --split (in a recipe: measure.splits: [train]), or give a folder.`,
      );
    return { name: split ?? "test", path };
  }
  const there = splitsIn(path);
  const found = there.find(({ name }) => name === (split ?? "test")) ?? (split ? undefined : there[0]);
  if (found) return found;
  const names = there.map(({ name }) => name);
  throw new UserError(
    `${path} has no split ${split}. Its splits are ${listSome(names, 8)}. Choose one of them with --split (measure.splits in a recipe).`,
  );
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    throw describeFileError(error, path, "read");
  }
}

interface SplitFile {
  readonly name: Split;
  readonly path: string;
}

function splitsIn(folder: string): SplitFile[] {
  return splits.flatMap((name) =>
    splitNames[name].flatMap((stem) =>
      Object.keys(readers)
        .map((extension) => join(folder, stem + extension))
        .filter((path) => existsSync(path))
        .map((path) => ({ name, path })),
    ),
  );
}

/**
 * The documents of a file, in order. Throws {@link UserError} for an unsupported kind of file, and for a row that is
 * not a document.
 */
export function readDocuments(path: string): AsyncGenerator<Document> {
  const read = readers[extname(path)];
  if (!read)
    throw new UserError(`${path} is not a supported text file. Give a ${Object.keys(readers).join(", ")} file.`);
  return read(path);
}
