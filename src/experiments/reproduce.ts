// Reproduces experiments: trains what is missing, measures, checks the claims, writes the reports. `layerwise
// reproduce` and `layerwise train` call this.
import { type Callbacks, type EngineSettings, resolveEngine } from "../jobs/index.ts";
import type { Device } from "../runtime/index.ts";
import { checkRecipes } from "./check.ts";
import { type Cost, estimate } from "./cost/estimate.ts";
import { type ExecutionOptions, executeRuns, previewRuns } from "./execute.ts";
import { type PlannedRun, planRuns, repeatRecipe } from "./plan.ts";
import type { Recipe, Scale } from "./recipe/index.ts";
import type { Written } from "./results/record.ts";
import { writeExperiments } from "./results/write.ts";
import { type LogEntry, readLog } from "./run-folder/log.ts";

export interface TrainOptions extends Callbacks {
  /** The runs folder; default `runs`. */
  readonly runs?: string;
  /** Default: this machine with all cores. */
  readonly engine?: EngineSettings;
  readonly device?: Device;
}

export interface ReproduceOptions extends TrainOptions {
  /** The scale of the recipes; it names the folder of the figures. Default `paper`. */
  readonly scale?: Scale;
  /** Number of pairs, each with other seeds; default 1. */
  readonly pairs?: number;
  /** Called with the estimated cost before anything is computed; the estimate times a few training steps. */
  readonly onCosts?: (costs: readonly Cost[]) => void;
}

export interface Reproduced {
  readonly written: readonly Written[];
  /** The page over several experiments. */
  readonly overview?: string;
}

/**
 * Trains and measures what is missing for the recipes, and writes their reports. Existing results are kept.
 * @example
 * const recipe = await readRecipe("mine.yaml");
 * const { written } = await reproduce([recipe], { engine: { threads: 2 }, onProgress: console.log });
 * console.log(written[0].page);
 */
export async function reproduce(recipes: readonly Recipe[], options: ReproduceOptions = {}): Promise<Reproduced> {
  const { scale = "paper", pairs = 1, onCosts } = options;
  const execution = resolveOptions(options);
  await checkRecipes(recipes);
  const planned = planPairs(recipes, pairs);
  const isEstimated = onCosts !== undefined || execution.engine.name === "slurm";
  // if the estimate fails, continue: the units report the error
  const costs = isEstimated ? await estimateCosts(planned, execution).catch(() => undefined) : undefined;
  if (costs) onCosts?.(costs);
  await executeRuns(planned, execution, costs);
  return writeExperiments(recipes, { runs: execution.runs, scale, pairs });
}

/**
 * Estimates what {@link reproduce} would cost, and previews the scripts that it would submit to a cluster (empty for
 * the local engine). Writes nothing.
 */
export async function planReproduction(
  recipes: readonly Recipe[],
  options: ReproduceOptions = {},
): Promise<{ costs: Cost[]; preview: () => Promise<string> }> {
  const execution = resolveOptions(options);
  await checkRecipes(recipes);
  const planned = planPairs(recipes, options.pairs ?? 1);
  const costs = await estimateCosts(planned, execution);
  return { costs, preview: () => previewRuns(planned, execution, costs) };
}

/** Trains the networks of a recipe; returns the run's folder and the last log entry of each network. */
export async function trainRecipe(
  recipe: Recipe,
  options: TrainOptions = {},
): Promise<{ folder: string; networks: Record<string, LogEntry> }> {
  const execution = resolveOptions(options);
  await checkRecipes([recipe]);
  const planned = planRuns([recipe]).map((run) => ({ ...run, points: [] }));
  const [folder] = await executeRuns(planned, execution);
  return { folder, networks: Object.fromEntries((await readLog(folder)).map((entry) => [entry.network, entry])) };
}

const resolveOptions = ({ runs = "runs", engine, ...rest }: TrainOptions): ExecutionOptions => ({
  ...rest,
  runs,
  engine: resolveEngine(engine),
});

const planPairs = (recipes: readonly Recipe[], pairs: number): PlannedRun[] =>
  planRuns(recipes.flatMap((recipe) => Array.from({ length: pairs }, (_, pair) => repeatRecipe(recipe, pair))));

const estimateCosts = (planned: readonly PlannedRun[], { runs, engine, device }: ExecutionOptions): Promise<Cost[]> =>
  // the submitting machine may not have the device of the nodes
  estimate(planned, runs, { ...engine, device: engine.name === "local" ? device : undefined });
