// layerwise task: what a cluster's process runs, from the script that was submitted. Not for people, so help does not show it.
import { Command } from "@commander-js/extra-typings";
import { whole } from "../options/values.ts";

export const taskCommand = () =>
  new Command("task")
    .description("carry out a bundle of a job's tasks")
    .argument("<job>", "folder of the job")
    .argument("<submission>", "", whole(0))
    .argument("<stage>", "", whole(0))
    .argument("<bundle>", "", whole(0))
    .action(async (job, submission, stage, bundle) => {
      const { runBundle } = await import("../../jobs/index.ts");
      if (!(await runBundle(job, submission, stage, bundle))) process.exitCode = 1;
    });
