// Checks the path of a merged file before any work is done, since a search under a budget may take hours.
import { existsSync } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { basename, dirname, extname, join, resolve } from "node:path";
import type { Checkpoint } from "../../checkpoints/index.ts";
import { requireWritable, UserError } from "../../core/index.ts";
import { recordPath } from "../record.ts";

/** The file extensions of each format, the usual one first. */
const extensions: Readonly<Record<Checkpoint["format"], readonly string[]>> = {
  safetensors: [".safetensors"],
  torch: [".pt", ".pth", ".th"],
  npz: [".npz"],
  onnx: [".onnx"],
};

/**
 * Throws {@link UserError} if `out` cannot be written, would replace a file of an end or one that no merge has written,
 * or has the extension of another format than a's.
 */
export async function requireOut(a: Checkpoint, b: Checkpoint, out: string): Promise<void> {
  if (extname(out) === ".json")
    throw new UserError(
      `The merged file is a checkpoint, but ${out} is the name of a JSON file. Give --out another name.`,
    );
  if (a.readOnly) throw new UserError(a.readOnly);
  if (/[/\\]$/.test(out))
    throw new UserError(
      `${out} names a folder. Give --out the name of a file, such as ${join(out, `merged${extensions[a.format][0]}`)}.`,
    );
  const own = extensions[a.format];
  if (!own.includes(extname(out)) && Object.values(extensions).flat().includes(extname(out)))
    throw new UserError(
      `The merged file is a copy of ${a.path} in the ${a.format} format, but ${out} has another extension. Give --out a name that ends in ${own[0]}.`,
    );
  if (await isFolder(out)) throw new UserError(`${out} is a folder. Give --out the name of a file.`);
  const place = await placeOf(out);
  for (const { path, files } of [a, b])
    for (const file of files)
      if ([await placeOf(file), await realpath(file).catch(() => "")].includes(place))
        throw new UserError(
          `${out} is ${file === path ? "" : `a file of ${path}, `}one of the two ends, which would be overwritten. Give --out another name.`,
        );
  if (existsSync(out) && !existsSync(recordPath({ path: out })))
    throw new UserError(
      `${out} exists, and merge did not write it: there is no record ${recordPath({ path: out })}. Give --out another name, or remove the file.`,
    );
  await requireWritable(dirname(out));
}

const isFolder = (path: string) =>
  stat(path).then(
    (info) => info.isDirectory(),
    () => false,
  );

/** The path with links to its folder resolved; a link in that folder is not followed. */
async function placeOf(path: string): Promise<string> {
  const folder = await realpath(dirname(path)).catch(() => resolve(dirname(path)));
  return join(folder, basename(path));
}
