// layerwise train RECIPE: trains the networks of one recipe.
import { resolve } from "node:path";
import { Command } from "@commander-js/extra-typings";
import { UserError } from "../core/index.ts";
import { device, example, oneOf, whole } from "./options.ts";
import { recipeFiles } from "./recipe-files.ts";
import { carryOutPlanned } from "./run.ts";
import { chooseEngine } from "./settings.ts";

export const trainCommand = () =>
  new Command("train")
    .description("train the networks of one recipe; a run that was cut goes on where it stopped")
    .argument("<recipe>", "a YAML file, or the name of an experiment; what it leaves out has the paper's value")
    .option(
      "--scale <name>",
      "of a recipe that has scales: quick, small or paper",
      oneOf("quick", "small", "paper"),
      "quick",
    )
    .option("--data-dir <dir>", "where the data set's official files lie")
    .option("--runs <dir>", "folder of the run folders", "runs")
    .option("--device <name>", "cpu, webgpu, cuda, coreml or dml", device)
    .option("--threads <n>", "threads in all; default: one for each core", whole(1))
    .option("--quiet", "no progress")
    .option("--json", "print one JSON document on standard output")
    .addHelpText("before", example("layerwise train quick"))
    .action(async (name, options, command) => {
      const { checkRecipe, planRuns, readLog, readRecipe, timelineOf } = await import("../experiments/index.ts");
      const [path, ...others] = await recipeFiles(name);
      if (others.length) throw new UserError(`${name} is several recipes. Name one, as fig1.`);
      const recipe = await readRecipe(path, options.scale);
      if (options.dataDir) recipe.data.dir = resolve(options.dataDir);
      await checkRecipe(recipe);
      const [folder] = await carryOutPlanned(
        planRuns([recipe]).map((run) => ({ ...run, points: [] })),
        options,
        await chooseEngine(command),
      );
      const last = Object.fromEntries((await readLog(folder)).map((entry) => [entry.network, entry]));
      if (options.json) console.log(JSON.stringify({ schema: "layerwise/train@1", folder, networks: last }, null, 1));
      else {
        for (const [name, { epoch, loss, error }] of Object.entries(last)) {
          console.log(
            `${name}: ${timelineOf(recipe).unit} ${epoch}, training loss ${loss.toFixed(4)}, error ${error.toFixed(2)} %`,
          );
        }
        const same = [
          `--scale ${options.scale}`,
          ...(options.dataDir ? [`--data-dir ${options.dataDir}`] : []),
          ...(options.runs === "runs" ? [] : [`--runs ${options.runs}`]),
        ];
        console.log(`The checkpoints are in ${folder}. Measure them:\nlayerwise reproduce ${name} ${same.join(" ")}`);
      }
    });
