// layerwise reproduce EXPERIMENT…: trains what is missing, measures, draws the reports.
import { resolve } from "node:path";
import { Command } from "@commander-js/extra-typings";
import { UserError } from "../core/index.ts";
import type { Cost, Written } from "../experiments/index.ts";
import { device, example, oneOf, whole } from "./options.ts";
import { planText } from "./plan.ts";
import { recipeFiles } from "./recipe-files.ts";
import { carryOutPlanned, previewPlanned } from "./run.ts";
import { chooseEngine } from "./settings.ts";
import { showClaims, showRun } from "./summary.ts";

export const reproduceCommand = () =>
  new Command("reproduce")
    .description("train what is missing, measure the barriers, check the claims, write the report")
    .argument("[experiments...]", "fig1 … fig12, trajectory, all of these, fedavg, quick, or recipe files", ["quick"])
    .option(
      "--scale <name>",
      "quick, small or paper: how much of the paper's set-up; quick takes minutes a figure",
      oneOf("quick", "small", "paper"),
      "quick",
    )
    .option("--pairs <n>", "repeat with other seeds; the report shows the spread and claims use it", whole(1), 1)
    .option("--plan", "show what would be done and what it costs, and do nothing")
    .option("--data-dir <dir>", "where the data sets' official files lie")
    .option("--runs <dir>", "folder of the run folders", "runs")
    .option("--device <name>", "cpu, webgpu, cuda, coreml or dml", device)
    .option("--threads <n>", "threads in all; default: one for each core", whole(1))
    .option("--quiet", "no progress")
    .option("--json", "print the measurements as one JSON document on standard output")
    .addHelpText("before", example("layerwise reproduce quick"))
    .action(async (experiments, options, command) => {
      const { checkRecipe, estimate, planRuns, readRecipe, repeated, storedMeasurements, writeExperiments } =
        await import("../experiments/index.ts");
      const files = [...new Set((await Promise.all(experiments.map(recipeFiles))).flat())];
      const recipes = await Promise.all(files.map((file) => readRecipe(file, options.scale)));
      const names = recipes.map(({ name }) => name);
      const twice = files.filter((_, i) => names.indexOf(names[i]) < i);
      if (twice.length)
        throw new UserError(
          `${twice[0]} has the name of another recipe, so their reports would lie in one place. Give it a name of its own.`,
        );
      if (options.dataDir) for (const { data } of recipes) data.dir = resolve(options.dataDir);
      for (const recipe of recipes)
        await checkRecipe(recipe).catch((error) => {
          if (!(error instanceof UserError) || recipes.length === 1) throw error;
          throw new UserError(`${recipe.name}: ${error.message}`, { cause: error });
        });

      const pairs = Array.from({ length: options.pairs }, (_, i) => i);
      const planned = planRuns(recipes.flatMap((recipe) => pairs.map((pair) => repeated(recipe, pair))));
      const engine = await chooseEngine(command);
      let costs: Cost[] | undefined;
      if (options.plan || !options.quiet || engine.name === "slurm") {
        costs = await estimate(planned, options.runs, {
          ...engine,
          device: engine.name === "local" ? options.device : undefined, // the submit host may have no such device
        }).catch((error) => {
          if (options.plan) throw error;
          return undefined; // only the estimate is missing; what is wrong will show in the work itself
        });
        if (options.plan && options.json)
          console.log(JSON.stringify({ schema: "layerwise/plan@1", runs: costs }, null, 1));
        else if (costs && options.plan)
          console.log(planText(costs) + (await previewPlanned(planned, options, engine, costs)));
        else if (costs && !options.quiet) console.error(planText(costs));
        if (options.plan) return;
      }

      await carryOutPlanned(planned, options, engine, costs);
      const { written, overview } = await writeExperiments(recipes, options);
      if (options.json) {
        const runs = written.map((one) => ({ ...summaryOf(one), measurements: storedMeasurements(one.record) }));
        console.log(JSON.stringify({ schema: "layerwise/reproduce@1", overview, runs }, null, 1));
      } else if (written.length === 1) console.log(showRun(written[0].record, written[0].page));
      else console.log(showClaims(written, overview));
    });

const summaryOf = ({ folder, page, record, claims }: Written) => ({ name: record.name, folder, report: page, claims });
