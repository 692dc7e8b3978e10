// Hashes the samples of a data set, so that changed data of the same name are noticed.
import { UserError } from "../../core/index.ts";
import type { DataOptions } from "../../data/index.ts";
import { originOf } from "../origins/index.ts";
import { type Recipe, trainingData } from "../recipe/index.ts";
import type { RunFolder } from "./folder.ts";

const known = new Map<string, Promise<string>>();

/** SHA-256 of the samples and labels of a recipe's data, read once per process. */
export function contentOf(recipe: Recipe, options: DataOptions): Promise<string> {
  const key = JSON.stringify([recipe.model.name, recipe.data.name, options]);
  const content =
    known.get(key) ??
    originOf(recipe)
      .openData(options)
      .then(({ sha256 }) => sha256);
  known.set(key, content);
  return content;
}

/** The hash of a run's training samples. Throws {@link UserError} if its networks were trained on other samples. */
export async function trainingContent(run: RunFolder): Promise<string> {
  const { name } = run.recipe.data;
  const content = await contentOf(run.recipe, trainingData(run.recipe));
  if ((await run.remember("data", content)) !== content)
    throw new UserError(
      `The training samples of ${name} are not those that the networks in ${run.path} were trained on. Restore the samples, or remove the folder to train again.`,
    );
  return content;
}
