// The clients of a federated recipe: their samples, their classes, and the average that they share after a round.
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
      `The samples of ${data.name} have no classes, so they cannot be partitioned. Use other samples, or leave federated out.`,
    );
  return { labels, parts: partition(labels, { ...federated, kind: federated.partition }) };
}

/** The training samples of a client: its part, or all samples without clients. */
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

/** Averages the shared layers of the clients' checkpoints at the end of a round. */
export async function averageShared(
  recipe: Recipe,
  { model, data, run, epoch }: { model: Model; data: Dataset; run: string; epoch: number },
): Promise<Map<string, Tensor>> {
  const globs = recipe.federated!.aggregate!.layers;
  const names = matchLayers(layersOf(model), globs).flatMap((layer) => layer.parameters);
  const samples = partsOf(recipe, data)!.parts.map((part) => part.length);
  const paths = networkNames(recipe).map((client) => join(run, client, checkpointName(epoch)));
  return averageCheckpoints(paths, samples, names);
}
