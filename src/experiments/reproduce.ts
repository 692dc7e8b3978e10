// Reproduces experiments: trains what is missing, measures, checks the claims, writes the reports. `layerwise
// reproduce` and `layerwise train` call this.
import { MissingData } from "../data/index.ts";
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

/** Where units run, and callbacks for their progress. */
export interface WorkOptions extends Callbacks {
  /** The runs folder; default `runs`. */
  readonly runs?: string;
  /** Default: this machine with all cores. */
  readonly engine?: EngineSettings;
  readonly device?: Device;
}

/** How {@link reproduce} works. */
export interface ReproduceOptions extends WorkOptions {
  /** The scale of the recipes; it names the folder of the figures. Default `paper`. */
  readonly scale?: Scale;
  /** Number of pairs, each with other seeds; default 1. */
  readonly pairs?: number;
  /** Called with the estimated cost before anything is computed; the estimate times a few training steps. */
  readonly onCosts?: (costs: readonly Cost[]) => void;
}

/** The reports that {@link reproduce} wrote. */
export interface Reproduced {
  readonly written: readonly Written[];
  /** The page over several experiments. */
  readonly overview?: string;
}

/**
 * Trains and measures what is missing of the recipes, checks their claims, and draws their reports. What exists is not
 * done again, and an interrupted run resumes. Throws a {@link UserError} if a recipe is invalid or a unit fails.
 * @example
 * ```ts
 * import { parseRecipe, reproduce, writeReports } from "layerwise";
 *
 * const recipe = parseRecipe(
 *   {
 *     model: { name: "mlp", hidden: 4 },
 *     data: { name: "rings.mjs", samples: 40, augment: false },
 *     training: { epochs: 1, batch: 20 },
 *     measure: { every: 1, scans: ["single"], samples: 20, splits: ["train"] },
 *   },
 *   "tiny.yaml",
 * );
 * const { written } = await reproduce([recipe], { engine: { threads: 1 } });
 * console.log(written[0].page === `${written[0].folder}/report.html`); // true
 * console.log(written[0].record.measurements.map(({ epoch }) => epoch)); // [ 0, 1 ]
 * const redrawn = await writeReports(written[0].folder);
 * console.log(redrawn.written[0].page === written[0].page); // true
 * ```
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

/** What {@link planReproduction} gives. */
export interface PlannedReproduction {
  /** The cost of each run. */
  readonly costs: Cost[];
  /** The scripts that would be submitted to a cluster; empty on one machine. */
  readonly preview: () => Promise<string>;
}

/**
 * What {@link reproduce} would cost, and the scripts that it would submit to a cluster (empty on one machine). Trains
 * and measures nothing but a few steps for the estimate. Throws a {@link UserError} if a recipe is wrong.
 * @example
 * ```ts
 * import { parseRecipe, planReproduction } from "layerwise";
 *
 * const recipe = parseRecipe(
 *   {
 *     model: { name: "mlp", hidden: 4 },
 *     data: { name: "rings.mjs", samples: 40, augment: false },
 *     training: { epochs: 1, batch: 20 },
 *     measure: { every: 1, scans: ["single"], samples: 20, splits: ["train"] },
 *   },
 *   "tiny.yaml",
 * );
 * const { costs } = await planReproduction([recipe], { runs: "planned" });
 * console.log(costs[0].networks, costs[0].points); // { missing: 2, all: 2 } { missing: 2, all: 2 }
 * ```
 */
export async function planReproduction(
  recipes: readonly Recipe[],
  options: ReproduceOptions = {},
): Promise<PlannedReproduction> {
  const execution = resolveOptions(options);
  await checkRecipes(recipes).catch((error) => {
    if (error instanceof MissingData)
      error.message += " A plan needs them too: it times training steps on the samples.";
    throw error;
  });
  const planned = planPairs(recipes, options.pairs ?? 1);
  const costs = await estimateCosts(planned, execution);
  return { costs, preview: () => previewRuns(planned, execution, costs) };
}

/**
 * Trains the networks of a recipe; returns their folder and the last line of each network's log. Throws a
 * {@link UserError} if the recipe is wrong or training fails.
 * @example
 * ```ts
 * import { parseRecipe, trainRecipe } from "layerwise";
 *
 * const recipe = parseRecipe(
 *   {
 *     model: { name: "mlp", hidden: 4 },
 *     data: { name: "rings.mjs", samples: 40, augment: false },
 *     training: { epochs: 1, batch: 20 },
 *     measure: { every: 1, scans: ["single"], samples: 20, splits: ["train"] },
 *   },
 *   "tiny.yaml",
 * );
 * const { networks } = await trainRecipe(recipe, { runs: "trained", engine: { threads: 1 } });
 * console.log(Object.keys(networks), networks.a.epoch); // [ 'a', 'b' ] 1
 * ```
 */
export async function trainRecipe(
  recipe: Recipe,
  options: WorkOptions = {},
): Promise<{ folder: string; networks: Record<string, LogEntry> }> {
  const execution = resolveOptions(options);
  await checkRecipes([recipe]);
  const planned = planRuns([recipe]).map((run) => ({ ...run, points: [] }));
  const [folder] = await executeRuns(planned, execution);
  return { folder, networks: Object.fromEntries((await readLog(folder)).map((entry) => [entry.network, entry])) };
}

const resolveOptions = ({ runs = "runs", engine, ...rest }: WorkOptions): ExecutionOptions => ({
  ...rest,
  runs,
  engine: resolveEngine(engine),
});

const planPairs = (recipes: readonly Recipe[], pairs: number): PlannedRun[] =>
  planRuns(recipes.flatMap((recipe) => Array.from({ length: pairs }, (_, pair) => repeatRecipe(recipe, pair))));

const estimateCosts = (planned: readonly PlannedRun[], { runs, engine, device }: ExecutionOptions): Promise<Cost[]> =>
  // the submitting machine may not have the device of the nodes
  estimate(planned, runs, { ...engine, device: engine.name === "local" ? device : undefined });
