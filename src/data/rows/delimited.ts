// Tables as text: a first line with the names of the columns, then a row a line. Commas with quotes where needed (RFC 4180), or tabs with nothing quoted, as
// GLUE's files have them.
import { readText, UserError } from "../../core/index.ts";

/** A row's fields, and what names it in a message. */
export type NamedRow = readonly [Readonly<Record<string, unknown>>, string];

/** Rows of a file with tabs. */
export async function readTabs(path: string): Promise<NamedRow[]> {
  const lines = (await readText(path)).split(/\r?\n/);
  return toRows(
    path,
    lines.map((line) => line.split("\t")),
  );
}

/** Rows of a file with commas. */
export async function readCommas(path: string): Promise<NamedRow[]> {
  return toRows(path, parseCommas(await readText(path), path));
}

/** One field: in quotes, which are doubled inside, or up to the next comma or line; then what ends it. */
const field = /(?:"((?:[^"]|"")*)"|([^",\r\n][^,\r\n]*)?)(,|\r?\n|$)/y;

function parseCommas(text: string, path: string): string[][] {
  const rows: string[][] = [[]];
  field.lastIndex = 0;
  while (field.lastIndex < text.length || rows.at(-1)!.length) {
    const match = field.exec(text);
    if (!match)
      throw new UserError(
        `Row ${rows.length - 2} of ${path} has text after a closing quote. Save the file again as CSV.`,
      );
    rows.at(-1)!.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? "");
    if (match[3] === ",") continue;
    if (match[3] === "") break;
    rows.push([]);
  }
  return rows;
}

/** Rows by the names in the first; lines without anything are passed over. */
function toRows(path: string, [names = [], ...rows]: readonly (readonly string[])[]): NamedRow[] {
  return rows.flatMap((row, i): NamedRow[] => {
    if (row.length === 0 || (row.length === 1 && row[0] === "")) return [];
    const where = `Row ${i} of ${path}`;
    if (row.length !== names.length)
      throw new UserError(
        `${where} has ${row.length} fields, but its first line names ${names.length}. Correct the row.`,
      );
    return [[Object.fromEntries(names.map((name, column) => [name, row[column]])), where]];
  });
}
