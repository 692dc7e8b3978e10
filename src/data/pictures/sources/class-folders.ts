// A folder for each class, possibly within a folder for each split, as in torchvision's ImageFolder: classes and files
// are sorted by code point, including files in subfolders.
import type { Dirent } from "node:fs";
import { readdirSync } from "node:fs";
import { basename, extname, join, relative } from "node:path";
import { describeFileError, listSome, UserError } from "../../../core/index.ts";
import type { Split } from "../../dataset.ts";
import { chooseSplit } from "../../locate/choose-split.ts";
import { isFolder } from "../../locate/files.ts";
import { byCodePoint, splitOf } from "../../locate/splits.ts";
import { encodedSource } from "./encoded.ts";
import type { PictureSource, SourceRequest } from "./source.ts";

/** The image extensions of torchvision. */
const endings = new Set([".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"]);
const isImage = (name: string): boolean => endings.has(extname(name).toLowerCase()) && !basename(name).startsWith("._");

/**
 * Folders that systems and editors add, often with copies of images: macOS archives, Synology, Windows, hidden folders.
 */
const isOfSystem = (folder: string): boolean =>
  /^(\.|\$)|^(__MACOSX|@eaDir|System Volume Information|lost\+found|__pycache__)$/.test(folder);

/** Tables beside images, which may contain their labels: Hugging Face's metadata.csv, Kaggle's labels.csv. */
const isTable = (name: string): boolean => /\.(csv|tsv|jsonl|ndjson|xlsx)$/i.test(name);

/** True for a folder with class folders that contain an image, directly or within a split. */
export const isClassFolders = (path: string): boolean =>
  isFolder(path) &&
  classesIn(path).some((name) => {
    const inner = join(path, name);
    const deeper = splitOf(name) === undefined ? [] : foldersIn(inner).map((own) => join(inner, own));
    return [inner, ...deeper].some(hasImages);
  });

/** True for a folder with images in it, and not only in its folders. */
export const hasImages = (path: string): boolean => isFolder(path) && filesDirectlyIn(path).some(isImage);

/** The error for a folder whose images have no class folders. Their labels may be in a table in one of `folders`. */
export function withoutClasses(path: string, folders: readonly string[] = [path]): UserError {
  const table = folders.flatMap(filesDirectlyIn).find(isTable);
  const labels = table ? `labels in ${table} are not read` : "so they have no labels";
  return new UserError(
    `${path} contains images without class folders${table ? ";" : ","} ${labels}. Make a folder for each class.`,
  );
}

export async function openClassFolders(path: string, { split, samples }: SourceRequest): Promise<PictureSource> {
  const { root, name } = rootOf(path, split);
  const classNames = classesIn(root);
  if (classNames.length === 1) {
    const only = join(root, classNames[0]);
    if ([only, root].flatMap(filesDirectlyIn).some(isTable)) throw withoutClasses(only, [only, root]);
  }
  const [files, labels, others]: [string[], number[], string[]] = [
    [],
    [],
    [...filesDirectlyIn(root).sort(byCodePoint), ...foldersIn(root).filter(isOfSystem)],
  ];
  for (const [label, folder] of classNames.entries()) {
    const [found, passed] = filesIn(join(root, folder));
    others.push(...passed.map((inner) => relative(root, inner)));
    const images = found.filter(isImage);
    if (images.length === 0)
      throw new UserError(
        `The class folder ${join(root, folder)} contains no image. Add images, or remove the folder.`,
      );
    for (const file of images) {
      files.push(file);
      labels.push(label);
    }
    others.push(...found.filter((file) => !isImage(file)).map((file) => relative(root, file)));
  }
  const notes = others.length
    ? [`${root}: ignored files and folders that are not images of a class: ${listSome(others, 3)}.`]
    : [];
  const covered = labels[Math.min(samples ?? files.length, files.length) - 1] + 1;
  if (covered < classNames.length)
    notes.push(
      `The first ${samples} images of ${root} cover ${covered} of its ${classNames.length} classes, because the folder is read class by class.`,
    );
  return encodedSource({ split: name, labels, classNames, notes, images: files.map((file) => ({ path: file })) });
}

/** The folder that contains the class folders. Throws {@link UserError} if splits contain images, but no classes. */
function rootOf(path: string, split: Split | undefined): { root: string; name: Split } {
  const all = classesIn(path);
  const splits = all.flatMap((folder) => {
    const own = splitOf(folder);
    return own ? [{ split: own, at: join(path, folder) }] : [];
  });
  const there = splits.filter(({ at }) => classesIn(at).length);
  if (there.length === 0 && splits.length === all.length) {
    const { at } = chooseSplit(path, splits, split);
    throw withoutClasses(at, [at, path]);
  }
  if (there.length) {
    const chosen = chooseSplit(path, there, split);
    return { root: chosen.at, name: chosen.split };
  }
  if (split !== undefined)
    throw new UserError(
      `${path} contains class folders directly, so it has no split ${split}. Omit --split, or give the folder of the splits.`,
    );
  return { root: path, name: splitOf(path.split(/[/\\]/).at(-1) ?? "") ?? "test" };
}

function listFolder(path: string): Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (error) {
    throw describeFileError(error, path, "read");
  }
}

const filesDirectlyIn = (path: string): string[] =>
  listFolder(path).flatMap((entry) => (entry.isDirectory() ? [] : [entry.name]));

/** The class folders, or the splits' folders. */
const classesIn = (path: string): string[] =>
  foldersIn(path)
    .filter((folder) => !isOfSystem(folder))
    .sort(byCodePoint);

const foldersIn = (path: string): string[] =>
  listFolder(path).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));

/** All files below a folder (its own by name, then those of its subfolders), and the ignored subfolders. */
function filesIn(folder: string): [string[], string[]] {
  const entries = listFolder(folder).sort((a, b) => byCodePoint(a.name, b.name));
  const own = entries.filter((entry) => !entry.isDirectory()).map((entry) => join(folder, entry.name));
  const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const inner = folders.filter((name) => !isOfSystem(name)).map((name) => filesIn(join(folder, name)));
  return [
    [...own, ...inner.flatMap(([files]) => files)],
    [...folders.filter(isOfSystem).map((name) => join(folder, name)), ...inner.flatMap(([, passed]) => passed)],
  ];
}
