// layerwise reproduce NAME…: trains what is missing, measures, shows the heatmap, writes the report.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Command } from "@commander-js/extra-typings";
import { listSome, nearest, projectRoot, UserError } from "../core/index.ts";
import { device, example, oneOf, whole } from "./options.ts";
import { inRunFolder } from "./run.ts";
import { showRun } from "./summary.ts";

export const reproduceCommand = () =>
  new Command("reproduce")
    .description("train what is missing, measure the barriers, write the report")
    .argument("[experiments...]", "fig1 … fig12, all, quick, or recipe files", ["quick"])
    .option(
      "--scale <name>",
      "quick, small or paper: how much of the paper's set-up; quick takes minutes a figure",
      oneOf("quick", "small", "paper"),
      "quick",
    )
    .option("--data-dir <dir>", "where the data sets' official files lie")
    .option("--runs <dir>", "folder of the run folders", "runs")
    .option("--device <name>", "cpu, webgpu, cuda, coreml or dml", device)
    .option("--threads <n>", "threads in all; default: one for each core", whole(1))
    .option("--quiet", "no progress")
    .option("--json", "print the measurements as one JSON document on standard output")
    .addHelpText("before", example("layerwise reproduce quick"))
    .action(async (names, options) => {
      const { checkRecipe, measureRun, readRecipe, trainRun, writeReport } = await import("../experiments/index.ts");
      const files = await Promise.all(names.includes("all") ? await figureFiles() : names.map(findRecipe));
      const recipes = await Promise.all(files.map((file) => readRecipe(file, options.scale)));
      if (options.dataDir) for (const { data } of recipes) data.dir ??= options.dataDir;
      for (const recipe of recipes) await checkRecipe(recipe);
      const documents = [];
      for (const recipe of recipes) {
        const folder = await inRunFolder(recipe, options, async (run, settings) => {
          await trainRun(run, settings);
          await measureRun(run, settings);
        });
        const { page, record, claims } = await writeReport(folder);
        if (options.json) documents.push({ folder, report: page, claims, measurements: record.measurements });
        else console.log(showRun(record, page, claims));
      }
      if (options.json) console.log(JSON.stringify({ schema: "layerwise/reproduce@1", runs: documents }, null, 1));
    });

/** Every figure of the paper, in order. */
async function figureFiles(): Promise<string[]> {
  const { readdir } = await import("node:fs/promises");
  const files = (await readdir(join(projectRoot, "recipes"))).filter((file) => /^fig\d+\.yaml$/.test(file)).sort();
  return files.map((file) => join(projectRoot, "recipes", file));
}

/** The file of a named experiment: one of recipes/, or a path. */
async function findRecipe(name: string): Promise<string> {
  const { readdir } = await import("node:fs/promises");
  if (/\.ya?ml$/.test(name)) return name;
  const own = join(projectRoot, "recipes", `${name.replace(/^fig(\d)$/, "fig0$1")}.yaml`);
  if (existsSync(own)) return own;
  const known = (await readdir(join(projectRoot, "recipes"))).map((file) => file.replace(/\.yaml$/, ""));
  const near = nearest(name, known);
  throw new UserError(
    `There is no experiment ${name}${near ? `; did you mean ${near}?` : "."} Known are ${listSome(known, 20)}; a recipe of your own is named by its .yaml file.`,
  );
}
