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

/** True for a folder with class folders that contain an image, directly or within a split. */
export const isClassFolders = (path: string): boolean =>
  isFolder(path) &&
  foldersIn(path).some((name) => {
    if (isOfSystem(name)) return false;
    const inner = join(path, name);
    const deeper = splitOf(name) === undefined ? [] : foldersIn(inner).map((own) => join(inner, own));
    return [inner, ...deeper].some((one) =>
      listFolder(one).some((entry) => !entry.isDirectory() && isImage(entry.name)),
    );
  });

export async function openClassFolders(path: string, { split, samples }: SourceRequest): Promise<PictureSource> {
  const { root, name } = rootOf(path, split);
  const all = foldersIn(root);
  const classNames = all.filter((folder) => !isOfSystem(folder)).sort(byCodePoint);
  const [files, labels, others]: [string[], number[], string[]] = [[], [], all.filter(isOfSystem)];
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
    ? [`${root}: ignored files and folders that are not images: ${listSome(others, 3)}.`]
    : [];
  const covered = labels[Math.min(samples ?? files.length, files.length) - 1] + 1;
  if (covered < classNames.length)
    notes.push(
      `The first ${samples} images of ${root} cover ${covered} of its ${classNames.length} classes, because the folder is read class by class.`,
    );
  return encodedSource({ split: name, labels, classNames, notes, images: files.map((file) => ({ path: file })) });
}

/** The folder that contains the class folders. */
function rootOf(path: string, split: Split | undefined): { root: string; name: Split } {
  const there = foldersIn(path).flatMap((folder) => {
    const own = splitOf(folder);
    return own && foldersIn(join(path, folder)).length ? [{ split: own, at: join(path, folder) }] : [];
  });
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
