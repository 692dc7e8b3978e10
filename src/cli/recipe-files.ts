// Which recipe files the names of experiments on the command line mean.
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { listSome, nearest, projectRoot, UserError } from "../core/index.ts";

/** The files of a named experiment: of recipes/, all figures of the paper, or a path. */
export async function recipeFiles(name: string): Promise<string[]> {
  if (/\.(ya?ml|json)$/.test(name)) return [name];
  const folder = join(projectRoot, "recipes");
  const known = (await readdir(folder)).flatMap((file) => (file.endsWith(".yaml") ? [file.slice(0, -5)] : [])).sort();
  const wanted =
    name === "all" ? known.filter((own) => /^fig\d|^trajectory$/.test(own)) : [name.replace(/^fig(\d)$/, "fig0$1")];
  const files = wanted.map((own) => join(folder, `${own}.yaml`));
  if (files.every((file) => existsSync(file))) return files;
  const near = nearest(name, [...known, "all"]);
  throw new UserError(
    `There is no experiment ${name}${near ? `; did you mean ${near}?` : "."} Known are ${listSome([...known, "all"], 20)}; a recipe of your own is named by its .yaml file.`,
  );
}
