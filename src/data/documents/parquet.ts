// Parquet: a document a row, read one group of rows at a time.
import { open } from "node:fs/promises";
import { describeFileError, listSome, UserError } from "../../core/index.ts";
import { type Document, documentOf } from "./document.ts";

/** Columns that a document is made of. */
const columns = ["text", "prompt", "completion", "messages"];

export async function* readParquet(path: string): AsyncGenerator<Document> {
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
    const metadata = await parquetMetadataAsync(file);
    const names = parquetSchema(metadata).children.map(({ element }) => element.name);
    const own = columns.filter((name) => names.includes(name));
    if (own.length === 0)
      throw new UserError(
        `${path} has the columns ${listSome(names, 8)}, but a text, a prompt with its completion, or messages are expected. Rename the columns.`,
      );
    let rowStart = 0;
    for (const { num_rows } of metadata.row_groups) {
      const rowEnd = rowStart + Number(num_rows);
      const rows = await parquetReadObjects({ file, metadata, columns: own, rowStart, rowEnd, compressors });
      for (const [i, row] of rows.entries()) yield documentOf(row, `Row ${rowStart + i} of ${path}`);
      rowStart = rowEnd;
    }
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${path} cannot be read as parquet: ${(error as Error).message}. Copy the file again.`, {
      cause: error,
    });
  } finally {
    await handle.close();
  }
}
