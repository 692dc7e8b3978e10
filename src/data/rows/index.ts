// Labelled texts for classifiers: rows of a .jsonl, .tsv, .csv or .parquet file, or of a folder with such files for
// each split.
import { dirname, extname } from "node:path";
import { UserError } from "../../core/index.ts";
import type { Split } from "../dataset.ts";
import { readObjects } from "../documents/jsonl.ts";
import { findShards, requireShards, splitsOfShards } from "../locate/shards.ts";
import { findClassNames } from "../parquet/class-names.ts";
import { openParquet, rowsOf } from "../parquet/parquet.ts";
import { tooFewSamples } from "../too-few.ts";
import { readCsv, readTabs } from "./delimited.ts";
import { chooseTexts, type Labels, type Row, rowOf } from "./row.ts";

export type { Row } from "./row.ts";

export interface RowOptions extends Omit<Labels, "classNames"> {
  /** Default: test, else valid, else train. Not for a single file. */
  readonly split?: Split;
  /** Number of rows, from the start; default all. */
  readonly samples?: number;
}

export interface Rows {
  readonly split: Split;
  readonly rows: readonly Row[];
}

const endings = [".jsonl", ".ndjson", ".tsv", ".csv", ".parquet"];

/** True for a file or folder that {@link readRows} may read, judged by names only. */
export const isRows = (path: string): boolean => splitsOfShards(path, endings).length > 0;

/** Reads labelled texts in the files' order. Throws a {@link UserError} that names the faulty row or column. */
export async function readRows(path: string, options: RowOptions = {}): Promise<Rows> {
  const { split, samples = Number.POSITIVE_INFINITY, ...labels } = options;
  if (!isRows(path))
    throw new UserError(
      `${path} is not a supported file of labelled texts. Give a ${endings.join(", ")} file, or a folder with such files named train, valid or test.`,
    );
  const shards = findShards(path, endings, split);
  const others = splitsOfShards(path, endings).flatMap((one) => (one.split === shards.split ? [] : [one.split]));
  const advice = others.length ? `, or choose a split with labels (--split ${others.join(" or --split ")})` : "";
  const rows: Row[] = [];
  for (const file of shards.files) {
    if (rows.length >= samples) break;
    for await (const row of readFile(file, labels, advice)) {
      rows.push(row);
      if (rows.length >= samples) break;
    }
  }
  requireShards(path, shards, rows.length, samples);
  if (rows.length === 0) throw new UserError(`${path} has no rows. Add some, or choose another split.`);
  if (samples !== Number.POSITIVE_INFINITY && rows.length < samples)
    throw tooFewSamples(`${path} contains ${rows.length} rows`, samples);
  const [{ label }] = rows;
  if ((label === -1 || label === -100) && rows.every((row) => row.label === label))
    throw new UserError(
      `All labels of the ${shards.split} split of ${path} are ${label}, which means no label (the labels of some test splits are not published). Give labels, counted from 0${advice}.`,
    );
  return { split: shards.split, rows };
}

async function* readFile(path: string, labels: Labels, advice: string): AsyncGenerator<Row> {
  const ending = extname(path).toLowerCase();
  if (ending === ".parquet") return yield* readParquet(path, labels, advice);
  const rows = ending === ".tsv" ? await readTabs(path) : ending === ".csv" ? await readCsv(path) : readObjects(path);
  let columns: ReturnType<typeof chooseTexts> | undefined;
  for await (const [fields, where] of rows) {
    columns ??= chooseTexts(Object.keys(fields), path, advice);
    yield rowOf(fields, columns, labels, where);
  }
}

async function* readParquet(path: string, labels: Labels, advice: string): AsyncGenerator<Row> {
  const file = await openParquet(path);
  try {
    const columns = chooseTexts(
      file.columns.map(({ element }) => element.name),
      path,
      advice,
    );
    const classNames = await findClassNames(file, "label", [dirname(path), dirname(dirname(path))]);
    const own = [...columns.filter((column) => column !== undefined), "label"];
    let number = 0;
    for await (const fields of rowsOf(file, own))
      yield rowOf(fields, columns, { ...labels, classNames }, `Row ${number++} of ${path}`);
  } finally {
    await file.close();
  }
}
