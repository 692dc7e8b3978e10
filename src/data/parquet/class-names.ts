// Finds the names of a data set's classes: in the schema of its parquet files, where the `datasets` library writes
// them, or in the front matter of its README.md.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import type { ParquetFile } from "./parquet.ts";

/** The names of a column's classes by index; undefined if there are none. The README.md may be in one of `folders`. */
export async function findClassNames(
  { notes }: Pick<ParquetFile, "notes">,
  column: string,
  folders: readonly string[],
): Promise<readonly string[] | undefined> {
  const stored = namesInSchema(notes.get("huggingface"), column);
  if (stored) return stored;
  for (const folder of folders) {
    const text = await readFile(join(folder, "README.md"), "utf8").catch(() => undefined);
    const names = text && namesInCard(text, column);
    if (names) return names;
  }
  return undefined;
}

type Fields = Readonly<Record<string, unknown>>;
const fieldsOf = (value: unknown): Fields => (typeof value === "object" && value !== null ? (value as Fields) : {});

function namesInSchema(json: string | undefined, column: string): readonly string[] | undefined {
  if (json === undefined) return undefined;
  try {
    const { features } = fieldsOf(fieldsOf(JSON.parse(json)).info);
    return listOf(fieldsOf(fieldsOf(features)[column]).names);
  } catch {
    return undefined; // names are optional: they are used only if the network has names too
  }
}

/** `dataset_info`, one configuration or a list of them, has the features. */
function namesInCard(text: string, column: string): readonly string[] | undefined {
  const front = /^---\r?\n([\s\S]*?)\r?\n---/.exec(text)?.[1];
  if (!front) return undefined;
  let card: Fields;
  try {
    card = fieldsOf(parse(front));
  } catch {
    return undefined;
  }
  const configs = [card.dataset_info].flat().map(fieldsOf);
  const features = configs.flatMap((config) => (Array.isArray(config.features) ? config.features : []));
  const own = features.map(fieldsOf).find(({ name }) => name === column);
  const names = fieldsOf(fieldsOf(fieldsOf(own).dtype).class_label).names;
  return listOf(Array.isArray(names) ? names : byNumber(fieldsOf(names)));
}

/** `{'0': airplane, '1': automobile}` as a list. */
const byNumber = (names: Fields): unknown[] =>
  Object.keys(names).every((key, i) => key === String(i)) ? Object.values(names) : [];

const listOf = (value: unknown): readonly string[] | undefined =>
  Array.isArray(value) && value.length > 0 ? value.map(String) : undefined;
