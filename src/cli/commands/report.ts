// layerwise report FOLDER…: redraws reports from stored results.
import { join } from "node:path";
import { Command } from "@commander-js/extra-typings";
import type { ReportDocument } from "../../experiments/index.ts";
import { example } from "../options/values.ts";

export const reportCommand = () =>
  new Command("report")
    .description("redraw reports from stored results, without computing anything")
    .argument("<runs...>", "run folders, figure folders, or folders that measure wrote")
    .option("--quiet", "print only the path of the report")
    .option("--json", "print the stored measurements as one JSON document")
    .addHelpText("before", example("layerwise report runs/quick-*"))
    .action(async (folders, options) => {
      const { storedMeasurements, writeReports } = await import("../../experiments/index.ts");
      const { encodeMeasurement, readMeasurement, saveDrawing } = await import("../../connectivity/index.ts");
      const { renderMeasurement } = await import("../../report/index.ts");
      const { showClaims, showMeasurement, showRun } = await import("../terminal/summary.ts");
      const documents: ReportDocument["runs"][number][] = [];
      for (const given of folders) {
        const document = await readMeasurement(given);
        if (document) {
          const report = join(given, "report.html");
          await saveDrawing(given, renderMeasurement(document));
          if (options.json)
            documents.push({ folder: given, report, measurements: [{ document: encodeMeasurement(document) }] });
          else console.log(options.quiet ? report : showMeasurement(document, given));
          continue;
        }
        const { written, overview } = await writeReports(given);
        for (const { folder, page, record, claims } of written) {
          if (options.json) documents.push({ folder, report: page, claims, measurements: storedMeasurements(record) });
          else if (options.quiet) console.log(page);
          else if (!overview) console.log(showRun(record, page));
        }
        if (overview && !options.json) console.log(options.quiet ? overview : showClaims(written, overview));
      }
      if (options.json) {
        const document: ReportDocument = { schema: "layerwise/report@1", runs: documents };
        console.log(JSON.stringify(document, null, 1));
      }
    });
