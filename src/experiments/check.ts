// What can be wrong with a recipe beyond its syntax.
import { loadOrders, parseScans } from "../connectivity/index.ts";
import { UserError } from "../core/index.ts";
import { layersOf, matchLayers } from "../models/index.ts";
import { clientHistogram } from "./networks/clients.ts";
import { originOf } from "./origins/index.ts";
import { measuredData } from "./points/point.ts";
import type { Recipe } from "./recipe/index.ts";
import { timelineOf, trainingData } from "./recipe/index.ts";

/**
 * Throws {@link UserError} for the first recipe with which something is wrong (model, scans, data that are not there),
 * before anything is made.
 */
export async function checkRecipes(recipes: readonly Recipe[]): Promise<void> {
  for (const recipe of recipes)
    await checkRecipe(recipe).catch((error) => {
      if (!(error instanceof UserError) || recipes.length === 1) throw error;
      throw new UserError(`${recipe.name}: ${error.message}`, { cause: error });
    });
}

async function checkRecipe(recipe: Recipe): Promise<void> {
  const { measure, training, federated } = recipe;
  const origin = originOf(recipe);
  const data = await origin.openData(trainingData(recipe));
  const model = await origin.modelFor(data);
  await origin.requireFit(model, data, recipe.data.name);
  if (data.weights && !origin.takesIgnored)
    throw new UserError(
      `Some labels of ${recipe.data.name} are negative, which only measuring leaves out. Train on samples whose labels are all classes.`,
    );
  if (federated?.aggregate) matchLayers(layersOf(model), federated.aggregate.layers);
  const isConsecutive = measure.ends === "consecutive";
  if (isConsecutive && timelineOf(recipe).unit === "step")
    throw new UserError("measure.ends: consecutive wants two epochs in a row, but training.steps counts no epochs.");
  if (isConsecutive && measure.every > 1 && !training.keep_previous)
    throw new UserError("measure.ends: consecutive needs the epochs before: set training.keep_previous: true.");
  await loadOrders(parseScans(recipe.measure.scans.join(",")));
  await clientHistogram(recipe);
  for (const split of recipe.measure.splits) {
    const measured = await origin.openData(measuredData(recipe, split));
    await origin.requireFit(model, measured, `${recipe.data.name} (${split})`);
  }
}
