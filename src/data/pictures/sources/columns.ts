// Finds the columns of images and classes in a parquet file: by type, and by name if there are several.
import type { SchemaTree } from "hyparquet";
import { listSome, UserError } from "../../../core/index.ts";

/** Names of label columns, the most likely first. CIFAR-100 has fine and coarse labels. */
const usualLabels = ["label", "labels", "fine_label", "class", "target"];
const usualImages = ["image", "img"];

const isBinary = ({ element, children }: SchemaTree): boolean =>
  children.length === 0 &&
  element.type === "BYTE_ARRAY" &&
  element.converted_type === undefined &&
  !element.logical_type;

/** Columns of bytes, or of structs with bytes, as written by the `datasets` library. */
export const imageColumns = (columns: readonly SchemaTree[]): string[] =>
  columns
    .filter(
      (column) =>
        isBinary(column) || column.children.some((child) => child.element.name === "bytes" && isBinary(child)),
    )
    .map(({ element }) => element.name);

const labelColumns = (columns: readonly SchemaTree[]): string[] =>
  columns
    .filter(({ element, children }) => children.length === 0 && (element.type === "INT64" || element.type === "INT32"))
    .map(({ element }) => element.name);

interface Chosen {
  readonly image: string;
  readonly label: string;
  /** Names the chosen label if there are several. */
  readonly note: readonly string[];
}

/** Chooses the columns. Throws {@link UserError} if there are no images or labels, or if the choice is ambiguous. */
export function chooseColumns(path: string, columns: readonly SchemaTree[]): Chosen {
  const all = columns.map(({ element }) => element.name);
  const [images, labels] = [imageColumns(columns), labelColumns(columns)];
  const image = oneOf(images, usualImages);
  if (image === undefined)
    throw new UserError(
      images.length
        ? `${path} has several image columns: ${listSome(images)}. Rename the right one to image.`
        : `${path} has no image column. Its columns are ${listSome(all, 8)}. Give a data set with image bytes.`,
    );
  const label = oneOf(labels, usualLabels);
  if (label === undefined)
    throw new UserError(
      labels.length
        ? `${path} has several integer columns: ${listSome(labels)}. Rename the class column to label.`
        : `${path} has no labels. Its columns are ${listSome(all, 8)}. Add a column label of integers.`,
    );
  const note = labels.length > 1 ? [`The labels are the column ${label} of ${listSome(labels)}.`] : [];
  return { image, label, note };
}

const oneOf = (names: readonly string[], usual: readonly string[]): string | undefined =>
  usual.find((name) => names.includes(name)) ?? (names.length === 1 ? names[0] : undefined);
