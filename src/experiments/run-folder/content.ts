// What the samples of a data set are, as a hash: a network or a measurement is of those that were there when it was made, whatever is called the same later.
import { UserError } from "../../core/index.ts";
import { type DataOptions, openData } from "../../data/index.ts";
import { trainingData } from "../recipe/index.ts";
import type { RunFolder } from "./folder.ts";

const known = new Map<string, Promise<string>>();

/** SHA-256 of samples and labels, read once in a process. */
export function contentOf(name: string, options: DataOptions): Promise<string> {
  const key = JSON.stringify([name, options]);
  const content = known.get(key) ?? openData(name, options).then(({ sha256 }) => sha256);
  known.set(key, content);
  return content;
}

/** The training samples of a run. Throws {@link UserError} where they are others than its networks have seen. */
export async function trainingContent(run: RunFolder): Promise<string> {
  const { name } = run.recipe.data;
  const content = await contentOf(name, trainingData(run.recipe));
  if ((await run.remember("data", content)) !== content)
    throw new UserError(
      `The training samples of ${name} are not those that the networks in ${run.path} have seen. Bring those back, or remove the folder to train anew.`,
    );
  return content;
}
