// Plans the runs of some experiments. Experiments with the same networks share a run, and repeated experiments have
// other seeds.

import { listPoints, mergePoints, type Point } from "./points/point.ts";
import { type Recipe, recipeHash } from "./recipe/index.ts";
import { openRunFolder, type RunFolder } from "./run-folder/folder.ts";

export interface PlannedRun {
  /** The first recipe that uses the run. */
  readonly recipe: Recipe;
  /** Names of all recipes that use it. */
  readonly names: readonly string[];
  readonly points: readonly Point[];
}

/** Plans the runs of recipes, in the order of the recipes. Recipes with the same networks share one run. */
export function planRuns(recipes: readonly Recipe[]): PlannedRun[] {
  const byHash = new Map<string, Recipe[]>();
  for (const recipe of recipes) byHash.set(recipeHash(recipe), [...(byHash.get(recipeHash(recipe)) ?? []), recipe]);
  return [...byHash.values()].map((sharing) => ({
    recipe: sharing[0],
    names: [...new Set(sharing.map(({ name }) => name))],
    points: mergePoints(sharing.flatMap(listPoints)),
  }));
}

/** Returns the recipe of a repetition. Pair 0 is the recipe itself; other pairs have other random seeds. */
export function repeatRecipe(recipe: Recipe, pair: number): Recipe {
  const apart = 100 * pair; // so that pairs share no network
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

/** Opens the folders of planned runs, calls `work`, and closes them however that ends. */
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
