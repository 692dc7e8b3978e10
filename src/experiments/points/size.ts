// The size of a point's measurement, from its plan. Opens the samples only if the recipe uses all of them.
import { countMixes, type MeasureOptions } from "../../connectivity/index.ts";
import { layersOf } from "../../models/index.ts";
import { originOf } from "../origins/index.ts";
import type { Recipe } from "../recipe/index.ts";

export interface PointSize {
  readonly mixes: number;
  readonly samples: number;
}

export async function pointSize(recipe: Recipe, options: MeasureOptions): Promise<PointSize> {
  const origin = originOf(recipe);
  const layers = layersOf(await origin.modelFor(), options.group);
  const { data } = options;
  return {
    mixes: await countMixes(layers, options),
    samples: data.samples ?? (await origin.openData(data)).count,
  };
}
