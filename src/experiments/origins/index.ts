// Where a recipe's networks come from, and what they are trained on: the registry and a data set, or a Hugging Face
// folder and a text.
import { type Recipe, startsFromFolder } from "../recipe/index.ts";
import { folderOrigin } from "./folder.ts";
import type { Origin } from "./origin.ts";
import { registryOrigin } from "./registry.ts";

export const originOf = (recipe: Recipe): Origin =>
  startsFromFolder(recipe) ? folderOrigin(recipe) : registryOrigin(recipe);
