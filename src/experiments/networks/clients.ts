// The clients of a federated recipe: which samples each has, how many of each class, and what they share at the end of a round.
import { join } from "node:path";
import { type Tensor, UserError } from "../../core/index.ts";
import type { Dataset } from "../../data/index.ts";
import { averageCheckpoints, classHistogram, partition, subsetOf } from "../../federated/index.ts";
import { layersOf, type Model, matchLayers } from "../../models/index.ts";
import { checkpointName } from "../../training/index.ts";
import { originOf } from "../origins/index.ts";
import { type Recipe, trainingData } from "../recipe/index.ts";
import { networkNames } from "../run-folder/folder.ts";

/** The samples of each client; undefined for a recipe without clients. */
function partsOf({ federated }: Recipe, data: Dataset) {
  if (!federated) return undefined;
  const labels = data.classOf?.();
  if (!labels)
    throw new UserError(
      `The samples of ${data.name} have no class each, to be dealt out to clients by. Take others, or leave federated out.`,
    );
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
  const data = await originOf(recipe).openData(trainingData(recipe));
  const { labels, parts } = partsOf(recipe, data)!;
  return classHistogram(labels, parts, data.classes);
}

/** The clients' average over the layers that are shared, from their checkpoints at the end of a round in the run's folder. */
export async function sharedTensors(
  recipe: Recipe,
  { model, data, run, epoch }: { model: Model; data: Dataset; run: string; epoch: number },
): Promise<Map<string, Tensor>> {
  const globs = recipe.federated!.aggregate!.layers;
  const names = matchLayers(layersOf(model), globs).flatMap((layer) => layer.parameters);
  const samples = partsOf(recipe, data)!.parts.map((part) => part.length);
  const paths = networkNames(recipe).map((client) => join(run, client, checkpointName(epoch)));
  return averageCheckpoints(paths, samples, names);
}
