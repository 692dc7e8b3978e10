// Reads recipes from YAML at a scale and fills in the defaults. For an unknown key, the error suggests the nearest
// known one.

import { existsSync } from "node:fs";
import { basename, resolve } from "node:path";
import { nearest, readText, UserError } from "../../core/index.ts";
import { findModel, isModelFolder } from "../../hub/index.ts";
import { describeFaults } from "./faults.ts";
import { requireNames } from "./names.ts";
import { applyScale, parseYaml, type Scale } from "./scales.ts";
import { type Recipe, recipeSchema, startsFromFolder } from "./schema.ts";

/**
 * Reads a recipe file at a scale. A `data.dir` is relative to the recipe's folder. Throws a {@link UserError} that
 * names the key that is wrong.
 * @example
 * ```ts
 * import { readRecipe } from "layerwise";
 *
 * const recipe = await readRecipe("rings.yaml");
 * console.log(recipe.name, recipe.training.batch, recipe.training.optimiser); // rings 20 sgd
 * ```
 */
export async function readRecipe(path: string, scale: Scale = "paper"): Promise<Recipe> {
  const value = await applyScale(parseYaml(await readText(path), path), scale, path);
  const { init } = Object(Object(value).pair);
  if (typeof init === "string") requireInit(init, path); // before a fault that follows from a wrong word
  const recipe = parseRecipe(value, path);
  if (recipe.data.dir) recipe.data.dir = resolve(path, "..", recipe.data.dir);
  const resolved = startsFromFolder(recipe) ? resolvePaths(recipe, path) : recipe;
  await requireNames(resolved, path);
  return resolved;
}

/** Throws {@link UserError} if an initialisation is neither a known word nor a folder. */
function requireInit(init: string, path: string): void {
  if (!startsFromFolder({ pair: { init } }) || isModelFolder(findFolder(init, path))) return;
  const near = nearest(init, ["same", "different"]);
  throw new UserError(
    `${path}: pair.init: ${init} is not \`same\`, \`different\`, or a Hugging Face folder${near ? `; did you mean ${near}?` : "."} Give a path relative to the recipe's folder, or a name in the cache.`,
  );
}

/** The folder beside the recipe, or in the cache. */
function findFolder(init: string, path: string): string {
  const beside = resolve(path, "..", init);
  return existsSync(beside) ? beside : findModel(init);
}

/** Resolves the paths of the folder and the text, relative to the recipe's folder. */
function resolvePaths(recipe: Recipe, path: string): Recipe {
  const folder = resolve(findFolder(recipe.pair.init, path));
  return {
    ...recipe,
    model: { ...recipe.model, name: folder },
    pair: { ...recipe.pair, init: folder },
    data: { ...recipe.data, name: resolve(path, "..", recipe.data.name) },
  };
}

/**
 * Validates a recipe and fills in the defaults; `name` defaults to the file's. Throws a {@link UserError} that names
 * the key that is wrong.
 * @example
 * ```ts
 * import { parseRecipe } from "layerwise";
 *
 * console.log(parseRecipe({ training: { epochs: 2 } }, "mine.yaml").name); // mine
 * ```
 */
export function parseRecipe(value: unknown, path: string): Recipe {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new UserError(
      `${path} is not a recipe: it must contain keys such as training and measure. See docs/reference/recipe.md.`,
    );
  const named = !("name" in value) ? { name: basename(path).replace(/\.ya?ml$/, ""), ...value } : value;
  const parsed = recipeSchema.safeParse(named, { reportInput: true });
  if (parsed.success) return parsed.data;
  throw new UserError(describeFaults(path, parsed.error.issues));
}
