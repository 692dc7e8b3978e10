// The network of a recipe, in the sizes that its data ask for.
import { sha256Value, sizeOf } from "../../core/index.ts";
import { type Dataset, openData } from "../../data/index.ts";
import { buildModel, findNetwork, type Model } from "../../models/index.ts";
import { modelSizes, type Recipe, trainingData } from "../recipe/index.ts";

type Sizes = Partial<Record<string, number>>;

export async function modelFor(recipe: Recipe, data: Dataset): Promise<Model> {
  return buildModel(await findNetwork(recipe.model.name), await sizesOn(recipe, data));
}

/** The recipe's sizes, and as many classes as the data have; a network of vectors gets as many inputs as a sample has numbers. */
async function sizesOn(recipe: Recipe, { inputs, classes }: Dataset): Promise<Sizes> {
  const network = await findNetwork(recipe.model.name);
  const numbers = "inputs" in network.sizes ? { inputs: sizeOf(inputs[0].shape) } : {};
  return { ...numbers, ...modelSizes(recipe), classes };
}

const known = new Map<string, Promise<Sizes>>();

/** The sizes that the recipe's networks were trained in, looked up once in a process. */
export function trainedSizes(recipe: Recipe): Promise<Sizes> {
  const key = sha256Value([recipe.model, recipe.data]);
  const sizes =
    known.get(key) ?? openData(recipe.data.name, trainingData(recipe)).then((data) => sizesOn(recipe, data));
  known.set(key, sizes);
  return sizes;
}
