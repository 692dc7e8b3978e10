// Finds the files of a data set's splits: a single file; train.csv, train-00000-of-00002.parquet and similar names in a
// folder or its subfolder data; or a folder for each split.
import { readdirSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { UserError } from "../../core/index.ts";
import type { Split } from "../dataset.ts";
import { fewerSamples } from "../too-few.ts";
import { chooseSplit } from "./choose-split.ts";
import { isFile, isFolder } from "./files.ts";
import { byCodePoint, splitOf } from "./splits.ts";

export interface Shards {
  readonly split: Split;
  /** In order. */
  readonly files: readonly string[];
  /** The number of files according to their names. */
  readonly total?: number;
}

/** The splits at a path, with their files; empty if no file has one of the endings. */
export function splitsOfShards(path: string, endings: readonly string[]): Shards[] {
  const isOne = (name: string) => endings.includes(extname(name).toLowerCase());
  if (isOne(path) && isFile(path)) return [{ split: splitOf(basename(path)) ?? "test", files: [path] }];
  const found = new Map<Split, string[]>();
  const add = (folder: string, given?: Split) => {
    for (const name of namesIn(folder).filter(isOne)) {
      const split = splitOf(name) ?? given;
      if (split) found.set(split, [...(found.get(split) ?? []), join(folder, name)]);
    }
  };
  for (const folder of [path, join(path, "data")]) {
    add(folder);
    for (const name of namesIn(folder)) if (splitOf(name)) add(join(folder, name), splitOf(name));
  }
  return [...found].map(([split, files]) => ({ split, files: files.sort(byCodePoint), total: totalOf(files[0]) }));
}

/** The files of one split. Throws a {@link UserError} that lists the splits. */
export function findShards(path: string, endings: readonly string[], split?: Split): Shards {
  if (split !== undefined && isFile(path))
    throw new UserError(`${path} is a single file, so it has no splits. Omit --split, or give a folder.`);
  return chooseSplit(path, splitsOfShards(path, endings), split);
}

/** Throws {@link UserError} if files are missing that the samples need, according to the numbers in the names. */
export function requireShards(path: string, { split, files, total }: Shards, have: number, samples: number): void {
  if (total === undefined || files.length === total || (have >= samples && areFirst(files))) return;
  throw new UserError(
    `${path} has ${files.length} of the ${total} files of ${split}. Add the missing ones${areFirst(files) ? `, or use ${fewerSamples}` : ""}.`,
  );
}

const number = /-(\d{5})-of-(\d{5})/;

function totalOf(file: string): number | undefined {
  const match = number.exec(basename(file));
  return match ? Number(match[2]) : undefined;
}

/** True if no file before the last is missing. */
const areFirst = (files: readonly string[]): boolean =>
  files.every((file, i) => Number(number.exec(basename(file))?.[1]) === i);

const namesIn = (folder: string): string[] => (isFolder(folder) ? readdirSync(folder) : []);
