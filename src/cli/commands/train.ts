// layerwise train RECIPE: trains the networks of one recipe.
import { Command } from "@commander-js/extra-typings";
import { UserError } from "../../core/index.ts";
import type { TrainDocument } from "../../experiments/index.ts";
import { chooseEngine } from "../options/engine.ts";
import { handOver } from "../options/hand-over.ts";
import { withRuns } from "../options/runs.ts";
import { example, scale } from "../options/values.ts";
import { makeProgress } from "../terminal/progress.ts";

export const trainCommand = () =>
  withRuns(
    new Command("train")
      .description("train the networks of one recipe, or resume an interrupted training")
      .argument("<recipe>", "YAML file or name of an experiment; missing keys have the paper's values")
      .option("--scale <name>", "scale of the recipe: quick, small, medium or paper", scale, "quick"),
  )
    .option("--json", "print one JSON document")
    .addHelpText("before", example("layerwise train quick"))
    .action(async (name, options, command) => {
      const { readRecipes, timelineOf, trainRecipe } = await import("../../experiments/index.ts");
      const [recipe, ...others] = await readRecipes([name], options);
      if (others.length) throw new UserError(`${name} is several recipes. Name one, such as fig1.`);
      const engine = await chooseEngine(command);
      const progress = makeProgress(options);
      const { folder, networks } = await trainRecipe(recipe, {
        runs: options.runs,
        device: options.device,
        engine,
        ...(await handOver(engine)),
        onProgress: progress.update,
      }).finally(progress.stop);
      const document: TrainDocument = { schema: "layerwise/train@1", folder, networks };
      if (options.json) console.log(JSON.stringify(document, null, 1));
      else {
        for (const [name, { epoch, loss, error }] of Object.entries(networks)) {
          console.log(
            `${name}: ${timelineOf(recipe).unit} ${epoch}, training loss ${loss.toFixed(4)}, error ${error.toFixed(2)} %`,
          );
        }
        const same = [
          `--scale ${options.scale}`,
          ...(options.dataDir ? [`--data-dir ${options.dataDir}`] : []),
          ...(options.runs === "runs" ? [] : [`--runs ${options.runs}`]),
        ];
        console.log(
          `The checkpoints are in ${folder}. To measure them:\n  layerwise reproduce ${name} ${same.join(" ")}`,
        );
      }
    });
