// Draws experiments from their runs: a recipe of the reader's own into its run folder, a figure of the paper (or several pairs) into a folder of its own, since
// figures share runs; and one page over all of them. Each such folder has experiment.json, from which it can be drawn again.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { UserError, writeAtomic } from "../core/index.ts";
import { renderOverview } from "../report/index.ts";
import { runPath } from "./folder.ts";
import { repeated } from "./plan.ts";
import { type Recipe, recipeSchema } from "./recipe.ts";
import { type Written, writePages, writeRun } from "./record.ts";
import type { Scale } from "./scales.ts";

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

/** Writes the reports of the recipes, and one over all when there are several. */
export async function writeExperiments(
  recipes: readonly Recipe[],
  { runs, scale, pairs }: Options,
): Promise<{ written: Written[]; overview?: string }> {
  const written: Written[] = [];
  const figures = join(runs, `figures-${scale}`);
  for (const recipe of recipes) {
    const paths = Array.from({ length: pairs }, (_, pair) => runPath(repeated(recipe, pair), runs));
    for (const path of paths) await writeRun(path);
    if (!recipe.figure && pairs === 1) {
      written.push(await writeRun(paths[0]));
      continue;
    }
    const folder = join(figures, recipe.name);
    const stored: z.infer<typeof storedSchema> = { schema: "layerwise/experiment@1", recipe, runs: paths };
    await writeAtomic(join(folder, "experiment.json"), `${JSON.stringify(stored, null, 1)}\n`);
    written.push(await writePages(recipe, paths, folder));
  }
  if (written.length < 2) return { written };
  const overview = join(figures, "report.html");
  await writeAtomic(
    overview,
    renderOverview(
      written.map(({ record, folder }) => ({ record, folder })),
      scale,
      figures,
    ),
  );
  return { written, overview };
}

/** Draws a folder again from stored results: a run's, or an experiment's. */
export async function writeReport(folder: string): Promise<Written> {
  const path = join(folder, "experiment.json");
  if (!existsSync(path)) return writeRun(folder);
  const stored = storedSchema.safeParse(JSON.parse(await readFile(path, "utf8")));
  if (!stored.success) throw new UserError(`${path} is not of this version. Run layerwise reproduce again.`);
  return writePages(stored.data.recipe, stored.data.runs, folder);
}
