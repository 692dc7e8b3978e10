// The user's modules: a data set, a network or an order of layers in a .mjs file.
import { stat } from "node:fs/promises";
import { basename, extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { UserError } from "./errors.ts";
import { describeFileError } from "./files.ts";

/** True where a name is the path of a module instead of a built-in name. */
export const isModule = (name: string): boolean => /\.[cm]?js$/.test(name);

/** The name of a module's export: the name of its file. */
export const moduleName = (path: string): string => basename(path, extname(path));

/** The default export of a module. Throws {@link UserError} where there is none; `guide` is the document to read. */
export async function importDefault(path: string, guide: string): Promise<unknown> {
  await stat(path).catch((error) => Promise.reject(describeFileError(error, path, "read")));
  const module = (await import(pathToFileURL(resolve(path)).href).catch((error) => {
    throw new UserError(`${path} cannot be loaded: ${(error as Error).message}. See ${guide}.`);
  })) as { default?: unknown };
  if (!module.default) throw new UserError(`${path} has no default export. See ${guide}.`);
  return module.default;
}
