// layerwise reproduce EXPERIMENT…: trains what is missing, measures, checks the claims, writes the reports.
import { Argument, Command } from "@commander-js/extra-typings";
import type { PlanDocument, ReproduceDocument, Written } from "../../experiments/index.ts";
import { chooseEngine } from "../options/engine.ts";
import { handOver } from "../options/hand-over.ts";
import { withRuns } from "../options/runs.ts";
import { example, integer, scale } from "../options/values.ts";
import { formatPlan } from "../terminal/costs.ts";
import { makeProgress } from "../terminal/progress.ts";

export const reproduceCommand = () =>
  withRuns(
    new Command("reproduce")
      .description("train and measure experiments of the paper or your recipes, and check their claims")
      .addArgument(
        new Argument(
          "[experiments...]",
          "fig1 … fig12, trajectory, all (of these), fedavg, finetune, quick, or recipe files",
        ).default(["quick"], "quick"),
      )
      .option(
        "--scale <name>",
        "how much of the paper's set-up to run: quick (minutes per figure), small, medium or paper",
        scale,
        "quick",
      )
      .option(
        "--pairs <n>",
        "number of pairs, each with other seeds; the report shows their spread, and claims use it",
        integer(1),
        1,
      )
      .option("--plan", "show what would be computed and how long it would take, then stop"),
  )
    .option("--json", "print the measurements as one JSON document")
    .addHelpText("before", example("layerwise reproduce quick"))
    .action(async (experiments, options, command) => {
      const { planReproduction, readRecipes, reproduce, storedMeasurements } = await import(
        "../../experiments/index.ts"
      );
      const recipes = await readRecipes(experiments, options);
      const engine = await chooseEngine(command);
      const { scale, pairs, runs, device, quiet } = options;
      const shared = { scale, pairs, runs, device, engine };
      if (options.plan) {
        const { costs, preview } = await planReproduction(recipes, shared);
        if (options.json) print({ schema: "layerwise/plan@1", runs: costs });
        else console.log(formatPlan(costs) + (await preview()));
        return;
      }
      const progress = makeProgress(options);
      const { written, overview } = await reproduce(recipes, {
        ...shared,
        ...(await handOver(engine)),
        onProgress: progress.update,
        onCosts: quiet ? undefined : (costs) => console.error(formatPlan(costs)),
      }).finally(progress.stop);
      const { showClaims, showRun } = await import("../terminal/summary.ts");
      if (options.json) {
        const runs = written.map((one) => ({ ...summaryOf(one), measurements: storedMeasurements(one.record) }));
        print({ schema: "layerwise/reproduce@1", overview, runs });
      } else if (written.length === 1) console.log(showRun(written[0].record, written[0].page));
      else console.log(showClaims(written, overview));
    });

const print = (document: PlanDocument | ReproduceDocument) => console.log(JSON.stringify(document, null, 1));

const summaryOf = ({ folder, page, record, claims }: Written) => ({ name: record.name, folder, report: page, claims });
