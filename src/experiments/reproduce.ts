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

/** Where work is carried out, and what is called meanwhile. */
export interface WorkOptions extends Callbacks {
  /** Folder of the run folders; default `runs`. */
  readonly runs?: string;
  /** Default: this machine, all its cores. */
  readonly engine?: EngineSettings;
  readonly device?: Device;
}

/** How {@link reproduce} works. */
export interface ReproduceOptions extends WorkOptions {
  /** The scale that the recipes were read at: names the folder of the figures. Default `paper`. */
  readonly scale?: Scale;
  /** Repeats with other seeds; default 1. */
  readonly pairs?: number;
  /** Called before the work with what it costs; for the estimate a few training steps are timed. */
  readonly onCosts?: (costs: readonly Cost[]) => void;
}

/** The reports that {@link reproduce} wrote. */
export interface Reproduced {
  readonly written: readonly Written[];
  /** The page over several figures. */
  readonly overview?: string;
}

/**
 * Trains and measures what is missing of the recipes, checks their claims, and draws their reports. What exists is not
 * done again, and an interrupted run resumes. Throws a {@link UserError} if a recipe is wrong or a task fails.
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

/** What {@link planReproduction} gives. */
export interface PlannedReproduction {
  /** The cost of each run. */
  readonly costs: Cost[];
  /** The scripts that would be submitted to a cluster; empty on one machine. */
  readonly preview: () => Promise<string>;
}

/**
 * What {@link reproduce} would cost, and the scripts that it would submit to a cluster (empty on one machine). Trains and
 * measures nothing but a few steps for the estimate. Throws a {@link UserError} if a recipe is wrong.
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
  const surroundings = surroundingsOf(options);
  await checkRecipes(recipes);
  const planned = planPairs(recipes, options.pairs ?? 1);
  const costs = await costsOf(planned, surroundings);
  return { costs, preview: () => previewRuns(planned, surroundings, costs) };
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
