// The clients of a federated recipe: which samples each has, and how many of each class.
import { UserError } from "../core/index.ts";
import { type Dataset, openData } from "../data/index.ts";
import { classHistogram, partition, subsetOf } from "../federated/index.ts";
import { type Recipe, trainingData } from "./recipe.ts";

/** The samples of each client; undefined for a recipe without clients. */
function partsOf({ federated }: Recipe, data: Dataset) {
  if (!federated) return undefined;
  const labels = data.classOf?.();
  if (!labels)
    throw new UserError(`${data.name} has no classes to deal out to clients. Take images, or leave federated out.`);
  return { labels, parts: partition(labels, { ...federated, kind: federated.partition }) };
}

/** What a client trains on: its own part, or all where there are no clients. */
export function clientData(recipe: Recipe, client: number, data: Dataset): Dataset {
  const dealt = partsOf(recipe, data);
  return dealt ? subsetOf(data, dealt.parts[client]) : data;
}

/** Samples of each class at each client, for the log and the report; undefined without clients. */
export async function clientHistogram(recipe: Recipe): Promise<number[][] | undefined> {
  if (!recipe.federated) return undefined;
  const data = await openData(recipe.data.name, trainingData(recipe));
  const { labels, parts } = partsOf(recipe, data)!;
  return classHistogram(labels, parts, data.classes);
}
