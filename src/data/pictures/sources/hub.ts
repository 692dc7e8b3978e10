// Hugging Face hub data sets: one parquet file, or shards of a split such as data/train-00000-of-00002.parquet.
import { dirname } from "node:path";
import { findShards, requireShards, splitsOfShards } from "../../locate/shards.ts";
import { findClassNames } from "../../parquet/class-names.ts";
import { withParquet } from "../../parquet/parquet.ts";
import type { Encoded } from "../decoding/orders.ts";
import { chooseColumns, imageColumns } from "./columns.ts";
import { encodedSource } from "./encoded.ts";
import type { PictureSource, SourceRequest } from "./source.ts";

/** True for parquet files with any columns. */
export const isParquet = (path: string): boolean => splitsOfShards(path, [".parquet"]).length > 0;

/** True for parquet files with a column of images. */
export async function isHub(path: string): Promise<boolean> {
  const file = splitsOfShards(path, [".parquet"])[0]?.files[0];
  return file !== undefined && withParquet(file, async ({ columns }) => imageColumns(columns).length > 0);
}

export async function openHub(
  path: string,
  { split, samples = Number.POSITIVE_INFINITY }: SourceRequest,
): Promise<PictureSource> {
  const shards = findShards(path, [".parquet"], split);
  const [images, labels, notes]: [Encoded[], number[], string[]] = [[], [], []];
  let classNames: readonly string[] | undefined;
  for (const file of shards.files) {
    if (images.length >= samples) break;
    await withParquet(file, async (parquet) => {
      const { image, label, note } = chooseColumns(file, parquet.columns);
      if (images.length === 0) {
        classNames = await findClassNames(parquet, label, [dirname(file), dirname(dirname(file))]);
        notes.push(...note);
      }
      const rows = await parquet.read([label], 0, Math.min(parquet.rows, samples - images.length));
      for (const [row, cells] of rows.entries()) {
        images.push({ path: file, column: image, row });
        labels.push(Number(cells[label] ?? Number.NaN));
      }
    });
  }
  requireShards(path, shards, images.length, samples);
  return encodedSource({ split: shards.split, labels, classNames, notes, images });
}
