// Tables as text: a first line with the names of the columns, then one row per line. Separators are commas, with quotes
// where needed (RFC 4180), or tabs without quotes, as in GLUE's files.
import { readText, UserError } from "../../core/index.ts";

/** A row's fields, and its name in messages. */
export type NamedRow = readonly [Readonly<Record<string, unknown>>, string];

/** Reads the rows of a tab-separated file. */
export async function readTabs(path: string): Promise<NamedRow[]> {
  const lines = (await readText(path)).split(/\r?\n/);
  return toRows(
    path,
    lines.map((line) => line.split("\t")),
  );
}

/** Reads the rows of a comma-separated file. */
export async function readCommas(path: string): Promise<NamedRow[]> {
  return toRows(path, parseCommas(await readText(path), path));
}

/** One field (in quotes, with doubled quotes inside, or up to the next comma or line end), then its separator. */
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

/** Rows as objects, with the names in the first row as keys. Empty lines are skipped. */
function toRows(path: string, [names = [], ...rows]: readonly (readonly string[])[]): NamedRow[] {
  return rows.flatMap((row, i): NamedRow[] => {
    if (row.length === 0 || (row.length === 1 && row[0] === "")) return [];
    const where = `Row ${i} of ${path}`;
    if (row.length !== names.length)
      throw new UserError(
        `${where} has ${row.length} fields, but the first line has ${names.length}. Correct the row.`,
      );
    return [[Object.fromEntries(names.map((name, column) => [name, row[column]])), where]];
  });
}
