// How large a point's measurement is, from its plan: nothing is opened but the samples, and those only where all of
// them are asked for.
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
