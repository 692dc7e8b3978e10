// Checks the names in a recipe before any work: the network, the data set and the scans.
import { parseScans } from "../../connectivity/index.ts";
import { isModule, UserError } from "../../core/index.ts";
import { requireDataName } from "../../data/index.ts";
import { findNetwork, requireSizes } from "../../models/index.ts";
import { type Recipe, startsFromFolder } from "./schema.ts";
import { modelSizes } from "./training.ts";

/** Throws {@link UserError} with the recipe's path and the key if a name is unknown. */
export async function requireNames(recipe: Recipe, path: string): Promise<void> {
  const { model, data, measure } = recipe;
  await under(`${path}: measure.scans`, () => parseScans(measure.scans.join(",")));
  if (startsFromFolder(recipe)) return; // its folder is there, and sets what is read
  if (!isModule(model.name))
    await under(`${path}: model`, async () => requireSizes(await findNetwork(model.name), modelSizes(recipe)));
  await under(`${path}: data.name`, () => requireDataName(data.name));
}

async function under(where: string, check: () => unknown): Promise<void> {
  try {
    await check();
  } catch (error) {
    throw error instanceof UserError ? new UserError(`${where}: ${error.message}`) : error;
  }
}
