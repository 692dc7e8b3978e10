// Draws experiments from their runs. A custom recipe is drawn into its run folder. Figures of the paper share runs, so
// each (and each experiment with several pairs) has its own folder with experiment.json, from which it can be redrawn.
// One page covers all of them.
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { removeUnfinished, UserError, writeAtomic } from "../../core/index.ts";
import { renderOverview } from "../../report/index.ts";
import { repeatRecipe } from "../plan.ts";
import { type Recipe, recipeSchema, type Scale } from "../recipe/index.ts";
import { runPath } from "../run-folder/folder.ts";
import { type Written, writePages, writeRun } from "./record.ts";

interface Options {
  readonly runs: string;
  readonly scale: Scale;
  readonly pairs: number;
}

const storedSchema = z.object({
  schema: z.literal("layerwise/experiment@1"),
  recipe: recipeSchema,
  runs: z.array(z.string()),
});

/** Writes the reports of the recipes, and one page over all if there are several. */
export async function writeExperiments(
  recipes: readonly Recipe[],
  { runs, scale, pairs }: Options,
): Promise<{ written: Written[]; overview?: string }> {
  const written: Written[] = [];
  /** Runs whose experiments have other folders; each run gets its own page too. */
  const sharedRuns = new Set<string>();
  const figures = join(runs, `figures-${scale}`);
  const pathsOf = (recipe: Recipe) =>
    Array.from({ length: pairs }, (_, pair) => runPath(repeatRecipe(recipe, pair), runs));
  for (const recipe of recipes) {
    const paths = pathsOf(recipe);
    const isShared = recipes.some((other) => other !== recipe && pathsOf(other)[0] === paths[0]);
    if (!recipe.figure && pairs === 1 && !isShared) {
      written.push(await writePages(recipe, paths, paths[0]));
      continue;
    }
    for (const path of paths) sharedRuns.add(path);
    const folder = join(figures, recipe.name);
    await removeUnfinished(folder);
    const places = paths.map((path) => relative(folder, path)); // relative, so that the runs folder can be moved
    const stored: z.infer<typeof storedSchema> = { schema: "layerwise/experiment@1", recipe, runs: places };
    await writeAtomic(join(folder, "experiment.json"), `${JSON.stringify(stored, null, 1)}\n`);
    written.push(await writePages(recipe, paths, folder));
  }
  for (const path of sharedRuns) await writeRun(path);
  const others = await listExperiments(figures);
  if (others.length < 2) return { written };
  const all = written.filter(({ folder }) => others.includes(folder));
  for (const folder of others.filter((path) => !all.some((one) => one.folder === path))) {
    const other = await writeReport(folder).catch((error) => {
      if (error instanceof UserError) return undefined; // its runs were removed
      throw error;
    });
    if (other) all.push(other);
  }
  const overview = await writeOverview(all, figures);
  return { written, overview: written.length > 1 ? overview : undefined };
}

/** Lists the experiment folders in a folder, by name. */
async function listExperiments(folder: string): Promise<string[]> {
  const inner = (await readdir(folder).catch(() => [])).map((name) => join(folder, name));
  return inner.filter((path) => existsSync(join(path, "experiment.json"))).sort();
}

async function writeOverview(written: readonly Written[], folder: string): Promise<string> {
  await removeUnfinished(folder, false);
  const page = join(folder, "report.html");
  const sorted = written.toSorted((x, y) => x.folder.localeCompare(y.folder));
  await writeAtomic(page, renderOverview(sorted, basename(folder).replace(/^figures-/, ""), folder));
  return page;
}

/**
 * Draws reports again from stored results: of a run's folder, an experiment's, or all experiments' with the page over
 * them. Throws a {@link UserError} if the folder has no results. The example of {@link reproduce} shows it.
 */
export async function writeReports(folder: string): Promise<{ written: Written[]; overview?: string }> {
  const experiments = await listExperiments(folder);
  if (experiments.length === 0) return { written: [await writeReport(folder)] };
  const written: Written[] = [];
  for (const path of experiments) written.push(await writeReport(path));
  return { written, overview: await writeOverview(written, folder) };
}

async function writeReport(folder: string): Promise<Written> {
  const path = join(folder, "experiment.json");
  if (!existsSync(path)) return writeRun(folder);
  const stored = storedSchema.safeParse(parse(await readFile(path, "utf8")));
  if (!stored.success) throw new UserError(`${path} was written by another version. Rerun layerwise reproduce.`);
  const runs = stored.data.runs.map((run) => join(folder, run));
  return writePages(stored.data.recipe, runs, folder);
}
