// Reproducing experiments: train what is missing, measure, check the claims, write the reports. `layerwise reproduce`
// and `layerwise train` are thin clients of this.
import { type Callbacks, type EngineSettings, engineOf } from "../jobs/index.ts";
import type { Device } from "../runtime/index.ts";
import { carryOutRuns, previewRuns, type Surroundings } from "./carry-out.ts";
import { checkRecipes } from "./check.ts";
import { type Cost, estimate } from "./cost/estimate.ts";
import { type PlannedRun, planRuns, repeated } from "./plan.ts";
import type { Recipe, Scale } from "./recipe/index.ts";
import type { Written } from "./results/record.ts";
import { writeExperiments } from "./results/write.ts";
import { type LogEntry, readLog } from "./run-folder/log.ts";

export interface WorkOptions extends Callbacks {
  /** Folder of the run folders; default `runs`. */
  readonly runs?: string;
  /** Default: this machine, all its cores. */
  readonly engine?: EngineSettings;
  readonly device?: Device;
}

export interface ReproduceOptions extends WorkOptions {
  /** The scale that the recipes were read at: names the folder of the figures. Default `paper`. */
  readonly scale?: Scale;
  /** Repeats with other seeds; default 1. */
  readonly pairs?: number;
  /** Called before the work with what it costs; for the estimate a few training steps are timed. */
  readonly onCosts?: (costs: readonly Cost[]) => void;
}

export interface Reproduced {
  readonly written: readonly Written[];
  /** The page over several figures. */
  readonly overview?: string;
}

/**
 * Trains and measures what is missing of the recipes, and draws their reports; what is there already is not done again.
 * @example
 * const recipe = await readRecipe("mine.yaml");
 * const { written } = await reproduce([recipe], { engine: { threads: 2 }, onProgress: console.log });
 * console.log(written[0].page);
 */
export async function reproduce(recipes: readonly Recipe[], options: ReproduceOptions = {}): Promise<Reproduced> {
  const { scale = "paper", pairs = 1, onCosts } = options;
  const surroundings = surroundingsOf(options);
  await checkRecipes(recipes);
  const planned = planPairs(recipes, pairs);
  const isEstimated = onCosts !== undefined || surroundings.engine.name === "slurm";
  // where only the estimate is missing the work goes on: what is wrong will show in the work itself
  const costs = isEstimated ? await costsOf(planned, surroundings).catch(() => undefined) : undefined;
  if (costs) onCosts?.(costs);
  await carryOutRuns(planned, surroundings, costs);
  return writeExperiments(recipes, { runs: surroundings.runs, scale, pairs });
}

/**
 * What {@link reproduce} would cost, and the scripts that it would submit to a cluster (empty on one machine). Makes
 * nothing but the estimate.
 */
export async function planReproduction(
  recipes: readonly Recipe[],
  options: ReproduceOptions = {},
): Promise<{ costs: Cost[]; preview: () => Promise<string> }> {
  const surroundings = surroundingsOf(options);
  await checkRecipes(recipes);
  const planned = planPairs(recipes, options.pairs ?? 1);
  const costs = await costsOf(planned, surroundings);
  return { costs, preview: () => previewRuns(planned, surroundings, costs) };
}

/** Trains the networks of a recipe; returns their folder and the last line of each network's log. */
export async function trainRecipe(
  recipe: Recipe,
  options: WorkOptions = {},
): Promise<{ folder: string; networks: Record<string, LogEntry> }> {
  const surroundings = surroundingsOf(options);
  await checkRecipes([recipe]);
  const planned = planRuns([recipe]).map((run) => ({ ...run, points: [] }));
  const [folder] = await carryOutRuns(planned, surroundings);
  return { folder, networks: Object.fromEntries((await readLog(folder)).map((entry) => [entry.network, entry])) };
}

const surroundingsOf = ({ runs = "runs", engine, ...rest }: WorkOptions): Surroundings => ({
  ...rest,
  runs,
  engine: engineOf(engine),
});

const planPairs = (recipes: readonly Recipe[], pairs: number): PlannedRun[] =>
  planRuns(recipes.flatMap((recipe) => Array.from({ length: pairs }, (_, pair) => repeated(recipe, pair))));

const costsOf = (planned: readonly PlannedRun[], { runs, engine, device }: Surroundings): Promise<Cost[]> =>
  // the machine that submits may have no such device
  estimate(planned, runs, { ...engine, device: engine.name === "local" ? device : undefined });
