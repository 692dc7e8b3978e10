// Tables as text: a first line with the names of the columns, then one row per line. A .csv has quotes where needed
// (RFC 4180), and commas, semicolons or tabs, as Excel writes by country; a .tsv has tabs without quotes, as in GLUE's
// files. Rows are counted from 1 with the first line, as a spreadsheet shows them.
import { readText, UserError } from "../../core/index.ts";

/** A row's fields, and its name in messages. */
export type NamedRow = readonly [Readonly<Record<string, unknown>>, string];

/** Reads the rows of a tab-separated file. */
export async function readTabs(path: string): Promise<NamedRow[]> {
  const text = await readText(path);
  const lines = text.split(new RegExp(lineEndOf(text)));
  return toRows(
    path,
    lines.map((line) => line.split("\t")),
  );
}

/** Reads the rows of a .csv file. */
export async function readCsv(path: string): Promise<NamedRow[]> {
  return toRows(path, parseCsv(await readText(path), path));
}

/** The pattern of a line end: CR alone if the first line ends so, as in Excel's "CSV (Macintosh)". */
const lineEndOf = (text: string): string => (/\r\n?|\n/.exec(text)?.[0] === "\r" ? "\\r" : "\\r?\\n");

/** The first of the usual separators that the first line has outside quotes. */
function separatorOf(text: string): string {
  const [line] = text.replaceAll(/"[^"]*"/g, "").split(/[\r\n]/, 1);
  return [",", ";", "\t"].find((one) => line.includes(one)) ?? ",";
}

function parseCsv(text: string, path: string): string[][] {
  const [separator, end] = [separatorOf(text), lineEndOf(text)];
  const others = `${separator}${end.replace("?", "")}`;
  // a field (in quotes, with doubled quotes inside, or up to the next separator or line end), then what ends it
  const field = new RegExp(`(?:"((?:[^"]|"")*)"|([^"${others}][^${others}]*)?)(${separator}|${end}|$)`, "y");
  const rows: string[][] = [[]];
  while (field.lastIndex < text.length || rows.at(-1)!.length) {
    const match = field.exec(text);
    if (!match)
      throw new UserError(`Row ${rows.length} of ${path} has text after a closing quote. Save the file again as CSV.`);
    rows.at(-1)!.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? "");
    if (match[3] === separator) continue;
    if (match[3] === "") break;
    rows.push([]);
  }
  return rows;
}

/** Rows as objects, with the names in the first row as keys. Empty lines are skipped. */
function toRows(path: string, [names = [], ...rows]: readonly (readonly string[])[]): NamedRow[] {
  return rows.flatMap((row, i): NamedRow[] => {
    if (row.length === 0 || (row.length === 1 && row[0] === "")) return [];
    const where = `Row ${i + 2} of ${path}`;
    if (row.length !== names.length)
      throw new UserError(
        `${where} has ${row.length} fields, but the first line has ${names.length}. Correct the row.`,
      );
    return [[Object.fromEntries(names.map((name, column) => [name, row[column]])), where]];
  });
}
