// What the samples of a data set are, as a hash: a network or a measurement is of those that were there when it was made, whatever is called the same later.
import { UserError } from "../../core/index.ts";
import type { DataOptions } from "../../data/index.ts";
import { originOf } from "../origins/index.ts";
import { type Recipe, trainingData } from "../recipe/index.ts";
import type { RunFolder } from "./folder.ts";

const known = new Map<string, Promise<string>>();

/** SHA-256 of samples and labels of a recipe's data, read once in a process. */
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

/** The training samples of a run. Throws {@link UserError} where they are others than its networks have seen. */
export async function trainingContent(run: RunFolder): Promise<string> {
  const { name } = run.recipe.data;
  const content = await contentOf(run.recipe, trainingData(run.recipe));
  if ((await run.remember("data", content)) !== content)
    throw new UserError(
      `The training samples of ${name} are not those that the networks in ${run.path} have seen. Bring those back, or remove the folder to train anew.`,
    );
  return content;
}
