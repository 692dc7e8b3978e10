// The options that train and reproduce share: the folders of runs and data, and the runtime.
import type { Command, OptionValues } from "@commander-js/extra-typings";
import { device, deviceHelp, integer } from "./values.ts";

/** Adds the options to a command. */
export const withRuns = <Arguments extends unknown[], Options extends OptionValues>(
  command: Command<Arguments, Options>,
) =>
  command
    .option("--data-dir <dir>", "folder of the data sets' official files")
    .option("--runs <dir>", "folder for runs", "runs")
    .option("--device <name>", deviceHelp, device)
    .option("--threads <n>", "number of threads in total; default: one per core", integer(1))
    .option("--quiet", "hide progress");
