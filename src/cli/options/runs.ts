// What train and reproduce have in common: where run folders and data are, and what computes.
import type { Command, OptionValues } from "@commander-js/extra-typings";
import { device, whole } from "./values.ts";

/** Adds the options to a command. */
export const withRuns = <Arguments extends unknown[], Options extends OptionValues>(
  command: Command<Arguments, Options>,
) =>
  command
    .option("--data-dir <dir>", "folder of the data sets' official files")
    .option("--runs <dir>", "folder of the run folders", "runs")
    .option("--device <name>", "cpu, webgpu, cuda, coreml or dml", device)
    .option("--threads <n>", "threads in all; default: one for each core", whole(1))
    .option("--quiet", "no progress");
