// layerwise unit: the command in a job's batch scripts. Hidden from help, as only the scripts use it. `layerwise task`
// is its name in scripts that layerwise 0.4 and earlier submitted.
import { Command } from "@commander-js/extra-typings";
import { integer } from "../options/values.ts";

export const unitCommand = () =>
  new Command("unit")
    .alias("task")
    .description("run a bundle of a job's units")
    .argument("<job>", "folder of the job")
    .argument("<submission>", "number of the submission", integer(0))
    .argument("<stage>", "number of the stage", integer(0))
    .argument("<bundle>", "number of the bundle", integer(0))
    .action(async (job, submission, stage, bundle) => {
      const { runBundle } = await import("../../jobs/index.ts");
      if (!(await runBundle(job, submission, stage, bundle))) process.exitCode = 1;
    });
