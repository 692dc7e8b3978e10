// Where jobs run: on this machine, or on a Slurm cluster. Settings come from the command line, then from the
// environment (LAYERWISE_PARTITION …), then from layerwise.yaml in the current folder.
import { type CommandUnknownOpts, Option } from "@commander-js/extra-typings";
import { UsageError } from "../../core/index.ts";
import type { EngineSettings } from "../../jobs/index.ts";
import { noteRenamed } from "./renamed.ts";
import { integer, oneOf } from "./values.ts";

/** Adds the options to a command; {@link chooseEngine} reads them. */
export function withEngine(command: CommandUnknownOpts): CommandUnknownOpts {
  return command
    .option("--engine <name>", "where to run: local (default: this machine) or slurm", oneOf("local", "slurm"))
    .option("--partition <name>", "Slurm partition")
    .option("--account <name>", "Slurm account")
    .option("--gres <list>", "generic resources of each Slurm process, such as gpu:1")
    .option("--time <limit>", "time limit of each Slurm process, such as 4:00:00")
    .option("--mem <size>", "memory of each Slurm process, such as 8G")
    .option("--cpus-per-task <n>", "cores and threads of each Slurm process; default 1", integer(1))
    .option("--max-units <n>", "Slurm processes of an array that may run at once", integer(1))
    .addOption(new Option("--max-tasks <n>").argParser(integer(1)).hideHelp())
    .option("--piece <n>", "samples per piece of a measurement; default: by the number of cells", integer(1));
}

type Flags = Partial<Record<"partition" | "account" | "gres" | "time" | "mem", string>> &
  Partial<Record<"cpusPerTask" | "maxUnits" | "maxTasks" | "piece" | "threads", number>> & {
    readonly engine?: "local" | "slurm";
    readonly plan?: true;
  };

/** Returns the chosen engine. Throws {@link UserError} for invalid settings in layerwise.yaml or the environment. */
export async function chooseEngine(command: { opts(): unknown }): Promise<EngineSettings> {
  const flags = command.opts() as Flags;
  const { maxTasks, ...given } = Object.fromEntries(
    Object.entries(flags).filter(([, value]) => value !== undefined),
  ) as Flags;
  if (maxTasks !== undefined) {
    noteRenamed("--max-tasks", "--max-units");
    given.maxUnits ??= maxTasks;
  }
  const { readSettings } = await import("./engine-settings.ts");
  const { engine: name = "local", cpusPerTask = 1, threads, ...rest } = { ...readSettings(), ...given };
  if (name === "slurm") {
    const { checkSlurm } = await import("../../jobs/index.ts");
    if (given.threads) throw new UsageError("--threads is for --engine local. For slurm, use --cpus-per-task.");
    if (!flags.plan) await checkSlurm(); // before anything else is done
    return { ...rest, name, cpusPerTask };
  }
  const stray = ["partition", "account", "gres", "time", "mem", "cpusPerTask", "maxUnits"].find((key) => key in given);
  if (stray) throw new UsageError(`--${stray.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)} is for --engine slurm.`);
  return { name, threads, piece: rest.piece };
}
