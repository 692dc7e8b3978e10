// How large a point's measurement is, from its plan: nothing is opened but the samples, and those only where all of
// them are asked for.
import { countMixes, type MeasureOptions } from "../../connectivity/index.ts";
import { openData } from "../../data/index.ts";
import { buildModel, findNetwork, layersOf } from "../../models/index.ts";
import { modelSizes, type Recipe } from "../recipe/index.ts";

export interface PointSize {
  readonly mixes: number;
  readonly samples: number;
}

export async function pointSize(recipe: Recipe, options: MeasureOptions): Promise<PointSize> {
  const layers = layersOf(buildModel(await findNetwork(recipe.model.name), modelSizes(recipe)), options.group);
  const { data } = options;
  return {
    mixes: await countMixes(layers, options),
    samples: data.samples ?? (await openData(data.name, data)).count,
  };
}
