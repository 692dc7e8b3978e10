// A folder for each class, perhaps within a folder for each split, as torchvision's ImageFolder: classes and files sorted by code point, files of subfolders too.
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

/** Endings that torchvision takes for images. */
const endings = new Set([".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"]);
const isImage = (name: string): boolean => endings.has(extname(name).toLowerCase()) && !basename(name).startsWith("._");

/** What systems and editors put beside the classes, often with copies of their images: macOS's archives, Synology, Windows, and what is hidden. */
const isOfSystem = (folder: string): boolean =>
  /^(\.|\$)|^(__MACOSX|@eaDir|System Volume Information|lost\+found|__pycache__)$/.test(folder);

/** True for a folder that has class folders with an image, itself or in a split. */
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
        `The class folder ${join(root, folder)} has no image in it. Add images, or remove the folder.`,
      );
    for (const file of images) {
      files.push(file);
      labels.push(label);
    }
    others.push(...found.filter((file) => !isImage(file)).map((file) => relative(root, file)));
  }
  const notes = others.length ? [`${root}: left out what is no image: ${listSome(others, 3)}.`] : [];
  const covered = labels[Math.min(samples ?? files.length, files.length) - 1] + 1;
  if (covered < classNames.length)
    notes.push(
      `The first ${samples} images of ${root} are of ${covered} of its ${classNames.length} classes, because the folder is read class by class.`,
    );
  return encodedSource({ split: name, labels, classNames, notes, images: files.map((file) => ({ path: file })) });
}

/** The folder of the class folders. */
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
      `${path} has its class folders at once, so it has no split ${split}. Leave --split out, or name the folder of the splits.`,
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

/** All files below a folder: its own by name, then those of its subfolders; and the subfolders that are passed over. */
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
