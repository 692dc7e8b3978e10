// Which columns of a parquet file are the images and their classes, by type first and by name where there are several.
import type { SchemaTree } from "hyparquet";
import { listSome, UserError } from "../../../core/index.ts";

/** Names of a label, the likeliest first: CIFAR-100 has fine and coarse ones. */
const usualLabels = ["label", "labels", "fine_label", "class", "target"];
const usualImages = ["image", "img"];

const isBinary = ({ element, children }: SchemaTree): boolean =>
  children.length === 0 &&
  element.type === "BYTE_ARRAY" &&
  element.converted_type === undefined &&
  !element.logical_type;

/** Columns of bytes, or of structs that have them, as the `datasets` library writes images. */
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
  /** Says which label was chosen where there are several. */
  readonly note: readonly string[];
}

/** Throws {@link UserError} where there is no image or label, or no way to choose. */
export function chooseColumns(path: string, columns: readonly SchemaTree[]): Chosen {
  const all = columns.map(({ element }) => element.name);
  const [images, labels] = [imageColumns(columns), labelColumns(columns)];
  const image = oneOf(images, usualImages);
  if (image === undefined)
    throw new UserError(
      images.length
        ? `${path} has several columns of images: ${listSome(images)}. Rename the right one to image.`
        : `${path} has no column of images; it has ${listSome(all, 8)}. Give a data set with image bytes.`,
    );
  const label = oneOf(labels, usualLabels);
  if (label === undefined)
    throw new UserError(
      labels.length
        ? `${path} has several columns of whole numbers: ${listSome(labels)}. Rename the one of the classes to label.`
        : `${path} has no labels; it has the columns ${listSome(all, 8)}. Add a column label of whole numbers.`,
    );
  const note = labels.length > 1 ? [`The labels are the column ${label} of ${listSome(labels)}.`] : [];
  return { image, label, note };
}

const oneOf = (names: readonly string[], usual: readonly string[]): string | undefined =>
  usual.find((name) => names.includes(name)) ?? (names.length === 1 ? names[0] : undefined);
