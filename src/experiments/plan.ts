// The plan of some experiments: which run folders they need, each run once however many experiments share it, and what
// of it is missing.

import { mergePoints, type Point, pointsOf } from "./points/point.ts";
import { type Recipe, recipeHash } from "./recipe/index.ts";
import { openRunFolder, type RunFolder } from "./run-folder/folder.ts";

export interface PlannedRun {
  /** The first recipe that needs it. */
  readonly recipe: Recipe;
  /** Names of all that do. */
  readonly names: readonly string[];
  readonly points: readonly Point[];
}

/**
 * The runs of the recipes, in their order. Recipes of the same networks share one run, which is measured for all of
 * them.
 */
export function planRuns(recipes: readonly Recipe[]): PlannedRun[] {
  const byHash = new Map<string, Recipe[]>();
  for (const recipe of recipes) byHash.set(recipeHash(recipe), [...(byHash.get(recipeHash(recipe)) ?? []), recipe]);
  return [...byHash.values()].map((sharing) => ({
    recipe: sharing[0],
    names: [...new Set(sharing.map(({ name }) => name))],
    points: mergePoints(sharing.flatMap(pointsOf)),
  }));
}

/**
 * The recipe of a repetition: pair 0 is the recipe itself, further ones have other seeds of everything that is drawn.
 */
export function repeated(recipe: Recipe, pair: number): Recipe {
  const apart = 100 * pair; // so that no end of one pair is an end of another
  const { init_seed, order_seeds } = recipe.pair;
  return {
    ...recipe,
    pair: {
      ...recipe.pair,
      init_seed: init_seed + apart,
      order_seeds: [order_seeds[0] + apart, order_seeds[1] + apart],
    },
    ...(recipe.federated ? { federated: { ...recipe.federated, seed: recipe.federated.seed + apart } } : {}),
  };
}

/** Opens the folders of planned runs, does the work, and lets them go however it ends. */
export async function inRunFolders<T>(
  planned: readonly PlannedRun[],
  folder: string,
  work: (runs: readonly { readonly run: RunFolder; readonly points: readonly Point[] }[]) => Promise<T>,
): Promise<T> {
  const open: { run: RunFolder; points: readonly Point[] }[] = [];
  let failed = true;
  try {
    for (const { recipe, points } of planned) open.push({ run: await openRunFolder(recipe, folder), points });
    const result = await work(open);
    failed = false;
    return result;
  } finally {
    for (const { run } of open) await run.close({ failed });
  }
}
