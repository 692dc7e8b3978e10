// Finds recipes by the names of experiments.
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { listSome, nearest, projectRoot, UserError } from "../../core/index.ts";
import { readRecipe } from "./read.ts";
import { hasScale, type Scale } from "./scales.ts";
import type { Recipe } from "./schema.ts";

/** At which scale recipes are read, and where their data are. */
export interface ReadOptions {
  /** Default `paper`. */
  readonly scale?: Scale;
  /** Folder of the data sets' official files; replaces data.dir of the recipes. */
  readonly dataDir?: string;
}

/**
 * Reads recipes by the names of experiments (`fig1`, `trajectory`, `all`, or a file), each once. Throws a
 * {@link UserError} for an unknown name, or if two recipes have one name.
 * @param options The scale; the folder of the data sets.
 * @example
 * ```ts
 * import { readRecipes } from "layerwise";
 *
 * const [first] = await readRecipes(["fig1"], { scale: "quick" });
 * console.log(first.name, first.data.name); // fig01 cifar10-half
 * ```
 */
export async function readRecipes(
  experiments: readonly string[],
  { scale = "paper", dataDir }: ReadOptions = {},
): Promise<Recipe[]> {
  const files = [...new Set((await Promise.all(experiments.map((name) => findFiles(name, scale)))).flat())];
  const recipes = await Promise.all(files.map((file) => readRecipe(file, scale)));
  const names = recipes.map(({ name }) => name);
  const twice = files.filter((_, i) => names.indexOf(names[i]) < i);
  if (twice.length)
    throw new UserError(
      `${twice[0]} has the same name as another recipe, so one report would overwrite the other. Give it another name.`,
    );
  if (dataDir) for (const { data } of recipes) data.dir = resolve(dataDir);
  return recipes;
}

/** Finds the files of a named experiment: a file in recipes/, all figures that have the scale, or a path. */
async function findFiles(name: string, scale: Scale): Promise<string[]> {
  if (/\.(ya?ml|json)$/.test(name)) return [name];
  const folder = join(projectRoot, "recipes");
  const known = (await readdir(folder)).flatMap((file) => (file.endsWith(".yaml") ? [file.slice(0, -5)] : [])).sort();
  const pathOf = (own: string) => join(folder, `${own}.yaml`);
  if (name === "all") {
    const figures = known.filter((own) => /^fig\d|^trajectory$/.test(own)).map(pathOf);
    const chosen = await Promise.all(figures.map((path) => hasScale(path, scale)));
    return figures.filter((_, i) => chosen[i]);
  }
  const file = pathOf(name.replace(/^fig(\d)$/, "fig0$1"));
  if (existsSync(file)) return [file];
  const near = nearest(name, [...known, "all"]);
  throw new UserError(
    `There is no experiment ${name}${near ? `; did you mean ${near}?` : "."} Use one of ${listSome([...known, "all"], 20)}, or the path of a .yaml recipe.`,
  );
}
