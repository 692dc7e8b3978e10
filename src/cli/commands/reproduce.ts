// layerwise reproduce EXPERIMENT…: trains what is missing, measures, draws the reports.
import { Command } from "@commander-js/extra-typings";
import type { Written } from "../../experiments/index.ts";
import { chooseEngine } from "../options/engine.ts";
import { handOver } from "../options/hand-over.ts";
import { withRuns } from "../options/runs.ts";
import { example, scale, whole } from "../options/values.ts";
import { planText } from "../terminal/costs.ts";
import { makeProgress } from "../terminal/progress.ts";

export const reproduceCommand = () =>
  withRuns(
    new Command("reproduce")
      .description("train what is missing, measure the barriers, check the claims, write the report")
      .argument(
        "[experiments...]",
        "fig1 … fig12, trajectory, all of these, fedavg, finetune, quick, or recipe files",
        ["quick"],
      )
      .option(
        "--scale <name>",
        "quick, small, medium or paper: how much of the paper's set-up; quick takes minutes a figure",
        scale,
        "quick",
      )
      .option("--pairs <n>", "repeat with other seeds; the report shows the spread and claims use it", whole(1), 1)
      .option("--plan", "show what would be done and what it costs, and do nothing"),
  )
    .option("--json", "print the measurements as one JSON document on standard output")
    .addHelpText("before", example("layerwise reproduce quick"))
    .action(async (experiments, options, command) => {
      const { planReproduction, readRecipes, reproduce, storedMeasurements } = await import(
        "../../experiments/index.ts"
      );
      const recipes = await readRecipes(experiments, options);
      const engine = await chooseEngine(command);
      const { scale, pairs, runs, device, quiet } = options;
      const work = { scale, pairs, runs, device, engine };
      if (options.plan) {
        const { costs, preview } = await planReproduction(recipes, work);
        if (options.json) console.log(JSON.stringify({ schema: "layerwise/plan@1", runs: costs }, null, 1));
        else console.log(planText(costs) + (await preview()));
        return;
      }
      const progress = makeProgress(options);
      const { written, overview } = await reproduce(recipes, {
        ...work,
        ...(await handOver(engine)),
        onProgress: progress.update,
        onCosts: quiet ? undefined : (costs) => console.error(planText(costs)),
      }).finally(progress.stop);
      const { showClaims, showRun } = await import("../terminal/summary.ts");
      if (options.json) {
        const runs = written.map((one) => ({ ...summaryOf(one), measurements: storedMeasurements(one.record) }));
        console.log(JSON.stringify({ schema: "layerwise/reproduce@1", overview, runs }, null, 1));
      } else if (written.length === 1) console.log(showRun(written[0].record, written[0].page));
      else console.log(showClaims(written, overview));
    });

const summaryOf = ({ folder, page, record, claims }: Written) => ({ name: record.name, folder, report: page, claims });
