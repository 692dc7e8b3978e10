// Parquet files, read one row group at a time.
import { open } from "node:fs/promises";
import type { FileMetaData, SchemaTree } from "hyparquet";
import { describeFileError, UserError } from "../../core/index.ts";

export interface ParquetFile {
  readonly path: string;
  readonly rows: number;
  /** The first row of every group, then the number of rows. */
  readonly groups: readonly number[];
  readonly columns: readonly SchemaTree[];
  /** Metadata in the schema, such as `huggingface`. */
  readonly notes: ReadonlyMap<string, string>;
  /**
   * Rows `start` to `end` (exclusive), as objects of some columns. Untyped values are strings, or bytes if `areBytes`.
   */
  read(columns: readonly string[], start: number, end: number, areBytes?: boolean): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
}

/** Opens a file. Throws {@link UserError} if it is not a parquet file. */
export async function openParquet(path: string): Promise<ParquetFile> {
  const [{ parquetMetadataAsync, parquetReadObjects, parquetSchema }, { compressors }] = await Promise.all([
    import("hyparquet"),
    import("hyparquet-compressors"),
  ]);
  const handle = await open(path, "r").catch((error) => {
    throw describeFileError(error, path, "read");
  });
  try {
    const { size } = await handle.stat();
    const file = {
      byteLength: size,
      async slice(start: number, end = size): Promise<ArrayBuffer> {
        const bytes = new Uint8Array(end - start);
        const { bytesRead } = await handle.read(bytes, 0, bytes.length, start);
        if (bytesRead < bytes.length) throw new Error("it ends too early");
        return bytes.buffer;
      },
    };
    const metadata = await parquetMetadataAsync(file).catch((error) => Promise.reject(unreadable(path, error)));
    return {
      path,
      rows: Number(metadata.num_rows),
      groups: groupsOf(metadata),
      columns: parquetSchema(metadata).children,
      notes: new Map(metadata.key_value_metadata?.map(({ key, value }) => [key, value ?? ""])),
      read: (columns, rowStart, rowEnd, areBytes = false) =>
        parquetReadObjects({
          ...{ file, metadata, columns: [...columns], rowStart, rowEnd, compressors },
          utf8: !areBytes,
        }).catch((error) => Promise.reject(unreadable(path, error))),
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Opens a file, passes it to `use`, and closes it. */
export async function withParquet<T>(path: string, use: (file: ParquetFile) => Promise<T>): Promise<T> {
  const file = await openParquet(path);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

function groupsOf({ row_groups }: FileMetaData): number[] {
  const starts = [0];
  for (const { num_rows } of row_groups) starts.push(starts.at(-1)! + Number(num_rows));
  return starts;
}

const unreadable = (path: string, error: unknown): UserError =>
  new UserError(`${path} cannot be read as parquet: ${(error as Error).message}. Copy the file again.`, {
    cause: error,
  });

/** The rows of a file, with one group in memory at a time. */
export async function* rowsOf(
  { groups, read }: ParquetFile,
  columns: readonly string[],
): AsyncGenerator<Record<string, unknown>> {
  for (let i = 0; i + 1 < groups.length; i++) yield* await read(columns, groups[i], groups[i + 1]);
}
