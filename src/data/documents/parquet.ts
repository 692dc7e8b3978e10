// Parquet: one document per row, read one row group at a time.
import { listSome, UserError } from "../../core/index.ts";
import { openParquet, rowsOf } from "../parquet/parquet.ts";
import { type Document, documentOf } from "./document.ts";

/** The columns of a document. */
const columns = ["text", "prompt", "completion", "messages"];

export async function* readParquet(path: string): AsyncGenerator<Document> {
  const file = await openParquet(path);
  try {
    const names = file.columns.map(({ element }) => element.name);
    const own = columns.filter((name) => names.includes(name));
    if (own.length === 0)
      throw new UserError(
        `${path} has the columns ${listSome(names, 8)}, but needs text, prompt with completion, or messages. Rename the columns.`,
      );
    let row = 0;
    for await (const fields of rowsOf(file, own)) yield documentOf(fields, `Row ${row++} of ${path}`);
  } finally {
    await file.close();
  }
}
