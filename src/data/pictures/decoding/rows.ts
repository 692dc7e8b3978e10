// Images in parquet files: the last few groups of rows stay in memory, because images are asked for in order.
import { withParquet } from "../../parquet/parquet.ts";

export interface Row {
  readonly path: string;
  readonly column: string;
  readonly row: number;
}

/** Groups that are kept: a batch may end in the one that the next begins in. */
const mostGroups = 2;

const groups = new Map<string, Promise<unknown[]>>();

/** The encoded image in a row: bytes, or a struct that has them. */
export async function readImage({ path, column, row }: Row): Promise<Uint8Array> {
  const { start, end } = await groupOf(path, row);
  const key = JSON.stringify([path, column, start]);
  let group = groups.get(key);
  if (!group) {
    group = readColumn(path, column, start, end);
    groups.set(key, group);
    if (groups.size > mostGroups) groups.delete(groups.keys().next().value!);
  }
  const cell = (await group)[row - start];
  const bytes = cell instanceof Uint8Array ? cell : (cell as { bytes?: unknown } | null)?.bytes;
  if (bytes instanceof Uint8Array) return bytes;
  throw new Error("its row has no bytes; the data set names files elsewhere");
}

const bounds = new Map<string, Promise<readonly number[]>>();

async function groupOf(path: string, row: number): Promise<{ start: number; end: number }> {
  let starts = bounds.get(path);
  if (!starts) {
    starts = withParquet(path, async (file) => file.groups);
    bounds.set(path, starts);
  }
  const known = await starts;
  const after = known.findIndex((start) => start > row);
  return { start: known[after - 1], end: known[after] };
}

const readColumn = (path: string, column: string, start: number, end: number): Promise<unknown[]> =>
  withParquet(path, async (file) => (await file.read([column], start, end, true)).map((one) => one[column]));
