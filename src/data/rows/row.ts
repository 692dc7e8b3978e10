// Reads a labelled text, or a labelled pair of texts, from the fields of a row.
import { listSome, UserError } from "../../core/index.ts";

export interface Row {
  readonly text: string;
  /** The second of two texts. */
  readonly pair?: string;
  /** A class, a value, or one number for each class. */
  readonly label: number | readonly number[];
}

type Fields = Readonly<Record<string, unknown>>;

/** Text columns, the most likely first: those of GLUE's tasks (from transformers' run_glue.py), and `text`. */
export const textColumns: readonly (readonly [string, string?])[] = [
  ["sentence1", "sentence2"],
  ["premise", "hypothesis"],
  ["question1", "question2"],
  ["question", "sentence"],
  ["sentence"],
  ["text", "text_pair"],
  ["text"],
];

/**
 * Chooses the text columns of a file. Throws a {@link UserError} that lists the columns; `advice` continues the advice
 * for missing labels.
 */
export function chooseTexts(names: readonly string[], path: string, advice = ""): readonly [string, string?] {
  const found = textColumns.find((columns) => columns.every((column) => names.includes(column!)));
  if (!found)
    throw new UserError(
      `${path} has the columns ${listSome(names, 8)}, but needs sentence, sentence1 with sentence2, or text. Rename the columns.`,
    );
  if (!names.includes("label"))
    throw new UserError(
      `${path} has no labels. Its columns are ${listSome(names, 8)}. Add a column label of numbers or names${advice}.`,
    );
  return found;
}

export interface Labels {
  /** The network's label with a name; undefined for an unknown name. Default: labels must be numbers. */
  readonly labelOf?: (name: string) => number | undefined;
  /** The network's label names, for messages. */
  readonly labelNames?: readonly string[];
  /** The file's names for label numbers, if it has them. */
  readonly classNames?: readonly string[];
}

/** Reads one row; `where` names it in messages. */
export function rowOf(fields: Fields, [first, second]: readonly [string, string?], labels: Labels, where: string): Row {
  const text = (column: string): string => {
    const value = fields[column];
    if (typeof value === "string") return value;
    throw new UserError(`${where} has no text in ${column}. Correct the row, or remove it.`);
  };
  const label = labelIn(fields.label, labels, where);
  return second === undefined ? { text: text(first), label } : { text: text(first), pair: text(second), label };
}

const numeric = /^-?\d+(\.\d+)?([eE][-+]?\d+)?$/;

function labelIn(value: unknown, labels: Labels, where: string): Row["label"] {
  if (Array.isArray(value)) return value.map((one) => numberIn(one, labels, where));
  return numberIn(value, labels, where);
}

function numberIn(value: unknown, { labelOf, labelNames = [], classNames }: Labels, where: string): number {
  if (value === null || value === undefined || value === "")
    throw new UserError(`${where} has no label. Choose a split with labels, or remove the row.`);
  const isNumber = typeof value === "number" || typeof value === "bigint" || typeof value === "boolean";
  const name = isNumber ? classNames?.[Number(value)] : String(value);
  const mapped = name === undefined ? undefined : labelOf?.(name);
  if (mapped !== undefined) return mapped;
  if (isNumber && (name === undefined || !labelOf)) return Number(value);
  if (!isNumber && numeric.test(`${value}`)) return Number(value);
  const known = labelNames.length ? ` (${listSome(labelNames, 8)})` : "";
  throw new UserError(
    labelOf
      ? `${where} has the label ${JSON.stringify(name)}, which is not a label of the network${known}. Use the network's names, or numbers.`
      : `${where} has the label ${JSON.stringify(name)}, but the network has no names for its labels. Use numbers.`,
  );
}
