// A network of the registry, or of a module, with fresh parameters, on a data set.
import { sha256Value, sizeOf } from "../../core/index.ts";
import { type Dataset, openData } from "../../data/index.ts";
import { buildModel, findNetwork, initialise } from "../../models/index.ts";
import { requireFit } from "../../pairs/index.ts";
import { modelSizes, type Recipe, trainingData } from "../recipe/index.ts";
import type { Origin } from "./origin.ts";

type Sizes = Partial<Record<string, number>>;

export const registryOrigin = (recipe: Recipe): Origin => ({
  openData: (options) => openData(recipe.data.name, options),
  async modelFor(data) {
    const sizes = data ? await sizesOn(recipe, data) : modelSizes(recipe);
    return buildModel(await findNetwork(recipe.model.name), sizes);
  },
  start: async (model, seed) => initialise(model, seed),
  trainedSizes: () => trainedSizes(recipe),
  requireFit: async (model, data, named) => requireFit(model, await findNetwork(recipe.model.name), data, named),
  takesIgnored: false,
  async complete() {},
});

/** The recipe's sizes with the classes of the data, and for networks of vectors the length of a sample. */
async function sizesOn(recipe: Recipe, { inputs, classes }: Dataset): Promise<Sizes> {
  const network = await findNetwork(recipe.model.name);
  const numbers = "inputs" in network.sizes ? { inputs: sizeOf(inputs[0].shape) } : {};
  return { ...numbers, ...modelSizes(recipe), classes };
}

const known = new Map<string, Promise<Sizes>>();

/** Cached per process. */
function trainedSizes(recipe: Recipe): Promise<Sizes> {
  const key = sha256Value([recipe.model, recipe.data]);
  const sizes =
    known.get(key) ?? openData(recipe.data.name, trainingData(recipe)).then((data) => sizesOn(recipe, data));
  known.set(key, sizes);
  return sizes;
}
