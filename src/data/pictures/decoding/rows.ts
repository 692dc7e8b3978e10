// Images in parquet files. The last few row groups stay in memory, since images are read in order.
import { stat } from "node:fs/promises";
import { withParquet } from "../../parquet/parquet.ts";

export interface Row {
  readonly path: string;
  readonly column: string;
  readonly row: number;
}

/** Number of row groups kept: a batch may end in the group in which the next one starts. */
const mostGroups = 2;

const groups = new Map<string, Promise<unknown[]>>();

/** The first rows of the groups, for each version of a file. */
const bounds = new Map<string, Promise<readonly number[]>>();

/** The encoded image in a row: bytes, or a struct that contains them. */
export async function readImage({ path, column, row }: Row): Promise<Uint8Array> {
  const { mtimeMs, size } = await stat(path);
  const version = JSON.stringify([path, mtimeMs, size]);
  const starts = await remembered(bounds, version, () => withParquet(path, async (file) => file.groups));
  const after = starts.findIndex((start) => start > row);
  const [start, end] = [starts[after - 1], starts[after]];
  const cells = await remembered(groups, `${version} ${column} ${start}`, () =>
    withParquet(path, async (file) => (await file.read([column], start, end, true)).map((one) => one[column])),
  );
  while (groups.size > mostGroups) groups.delete(groups.keys().next().value!);
  const cell = cells[row - start];
  const bytes = cell instanceof Uint8Array ? cell : (cell as { bytes?: unknown } | null)?.bytes;
  if (bytes instanceof Uint8Array) return bytes;
  throw new Error("its row has no bytes, only the path of a file");
}

function remembered<T>(known: Map<string, Promise<T>>, key: string, read: () => Promise<T>): Promise<T> {
  let value = known.get(key);
  if (!value) {
    value = read();
    known.set(key, value);
  }
  return value;
}
