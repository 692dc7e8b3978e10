// layerwise report RUN…: redraws reports from stored results.
import { Command } from "@commander-js/extra-typings";
import { example } from "./options.ts";
import { showRun } from "./summary.ts";

export const reportCommand = () =>
  new Command("report")
    .description("redraw the report of stored results, computing nothing")
    .argument("<runs...>", "run folders")
    .option("--quiet", "print only where the report is")
    .option("--json", "print the stored measurements as one JSON document on standard output")
    .addHelpText("before", example("layerwise report runs/quick-*"))
    .action(async (folders, options) => {
      const { writeReport } = await import("../experiments/index.ts");
      const documents = [];
      for (const folder of folders) {
        const { page, record } = await writeReport(folder);
        if (options.json) documents.push({ folder, report: page, measurements: record.measurements });
        else console.log(options.quiet ? page : showRun(record, page));
      }
      if (options.json) console.log(JSON.stringify({ schema: "layerwise/report@1", runs: documents }, null, 1));
    });
