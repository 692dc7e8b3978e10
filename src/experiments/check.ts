// Checks recipes beyond their syntax.
import { loadOrders, parseScans } from "../connectivity/index.ts";
import { listSome, UserError } from "../core/index.ts";
import { MissingData } from "../data/index.ts";
import { layersOf, matchLayers } from "../models/index.ts";
import { clientHistogram } from "./networks/clients.ts";
import { originOf } from "./origins/index.ts";
import { measuredData } from "./points/point.ts";
import type { Recipe } from "./recipe/index.ts";
import { timelineOf, trainingData } from "./recipe/index.ts";

/**
 * Throws {@link UserError} for the first invalid recipe (model, scans), or else for all missing data sets, before
 * anything is written.
 */
export async function checkRecipes(recipes: readonly Recipe[]): Promise<void> {
  const lacking: { readonly recipe: string; readonly archives: readonly string[] }[] = [];
  for (const recipe of recipes)
    await checkRecipe(recipe).catch((error) => {
      if (!(error instanceof UserError) || recipes.length === 1) throw error;
      if (error instanceof MissingData) lacking.push({ recipe: recipe.name, archives: error.archives });
      else throw new UserError(`${recipe.name}: ${error.message}`, { cause: error });
    });
  if (lacking.length === 0) return;
  const archives = [...new Set(lacking.flatMap(({ archives }) => archives))];
  const needs = archives.map((name) => {
    const names = lacking.flatMap(({ recipe, archives }) => (archives.includes(name) ? [recipe] : []));
    return `${name} (for ${listSome(new Set(names))})`;
  });
  throw new MissingData(`Data sets are missing: ${needs.join("; ")}`, archives);
}

async function checkRecipe(recipe: Recipe): Promise<void> {
  const { measure, training, federated } = recipe;
  const origin = originOf(recipe);
  const data = await origin.openData(trainingData(recipe));
  const model = await origin.modelFor(data);
  await origin.requireFit(model, data, recipe.data.name);
  if (data.weights && !origin.takesIgnored)
    throw new UserError(
      `Some labels of ${recipe.data.name} are negative (ignored), which training does not support. Use samples whose labels are all classes.`,
    );
  if (federated?.aggregate) matchLayers(layersOf(model), federated.aggregate.layers);
  const isConsecutive = measure.ends === "consecutive";
  if (isConsecutive && timelineOf(recipe).unit === "step")
    throw new UserError("measure.ends: consecutive needs epochs, but training.steps is set. Use training.epochs.");
  if (isConsecutive && measure.every > 1 && !training.keep_previous)
    throw new UserError(
      "measure.ends: consecutive needs the checkpoints before the measured epochs. Set training.keep_previous: true.",
    );
  await loadOrders(parseScans(recipe.measure.scans.join(",")));
  await clientHistogram(recipe);
  for (const split of recipe.measure.splits) {
    const measured = await origin.openData(measuredData(recipe, split));
    await origin.requireFit(model, measured, `${recipe.data.name} (${split})`);
  }
}
