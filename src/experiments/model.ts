// The network of a recipe, in the sizes that its data ask for.
import { sizeOf } from "../core/index.ts";
import type { Dataset } from "../data/index.ts";
import { buildModel, findNetwork, type Model } from "../models/index.ts";
import { modelSizes, type Recipe } from "./recipe.ts";

/** As many classes as the data have; a network of vectors gets as many inputs as a sample has numbers. */
export async function modelFor(recipe: Recipe, { inputs, classes }: Dataset): Promise<Model> {
  const network = await findNetwork(recipe.model.name);
  const numbers = "inputs" in network.sizes ? { inputs: sizeOf(inputs[0].shape) } : {};
  return buildModel(network, { ...numbers, ...modelSizes(recipe), classes });
}
