// layerwise reproduce NAME…: trains what is missing, measures, shows the heatmap, writes the report.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Command } from "@commander-js/extra-typings";
import { listSome, nearest, projectRoot, UserError } from "../core/index.ts";
import { device, example, whole } from "./options.ts";
import { makeProgress } from "./progress.ts";
import { showRun } from "./summary.ts";

export const reproduceCommand = () =>
  new Command("reproduce")
    .description("train what is missing, measure the barriers, write the report")
    .argument("[experiments...]", "names of recipes in recipes/, or recipe files", ["quick"])
    .option("--runs <dir>", "folder of the run folders", "runs")
    .option("--device <name>", "cpu, webgpu, cuda, coreml or dml", device)
    .option("--threads <n>", "threads in all; default: one for each core", whole(1))
    .option("--quiet", "no progress")
    .option("--json", "print the measurements as one JSON document on standard output")
    .addHelpText("before", example("layerwise reproduce quick"))
    .action(async (names, options) => {
      const { checkRecipe, measureRun, openRunFolder, readRecipe, readRecord, trainRun, writeReport } = await import(
        "../experiments/index.ts"
      );
      const recipes = await Promise.all((await Promise.all(names.map(findRecipe))).map(readRecipe));
      for (const recipe of recipes) await checkRecipe(recipe);
      const documents = [];
      for (const recipe of recipes) {
        const run = await openRunFolder(recipe, options.runs);
        const progress = makeProgress(options);
        const settings = { device: options.device, threads: options.threads, onProgress: progress.update };
        let failed = true;
        try {
          await trainRun(run, settings);
          await measureRun(run, settings);
          failed = false;
        } finally {
          progress.stop();
          await run.close({ failed });
        }
        const page = await writeReport(run.path);
        const record = await readRecord(run.path);
        if (options.json) documents.push({ folder: run.path, report: page, measurements: record.measurements });
        else console.log(showRun(record, page));
      }
      if (options.json) console.log(JSON.stringify({ schema: "layerwise/reproduce@1", runs: documents }, null, 1));
    });

/** The file of a named experiment: one of recipes/, or a path. */
async function findRecipe(name: string): Promise<string> {
  const { readdir } = await import("node:fs/promises");
  if (/\.ya?ml$/.test(name)) return name;
  const own = join(projectRoot, "recipes", `${name}.yaml`);
  if (existsSync(own)) return own;
  const known = (await readdir(join(projectRoot, "recipes"))).map((file) => file.replace(/\.yaml$/, ""));
  const near = nearest(name, known);
  throw new UserError(
    `There is no experiment ${name}${near ? `; did you mean ${near}?` : "."} Known are ${listSome(known, 20)}; a recipe of your own is named by its .yaml file.`,
  );
}
