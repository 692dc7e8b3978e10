// Where the work is to be done: on this machine, or on a Slurm cluster. The cluster's settings are given with the
// command, by the environment (LAYERWISE_PARTITION …) or in a layerwise.yaml where the command is typed, in that order.
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { UsageError } from "../../core/index.ts";
import type { EngineSettings } from "../../jobs/index.ts";
import { oneOf, whole } from "./values.ts";

/** Adds the options to a command; {@link chooseEngine} reads them. */
export function withEngine(command: CommandUnknownOpts): CommandUnknownOpts {
  return command
    .option(
      "--engine <name>",
      "local (default) or slurm: the cluster that this machine can submit to",
      oneOf("local", "slurm"),
    )
    .option("--partition <name>", "of Slurm")
    .option("--account <name>", "of Slurm")
    .option("--gres <list>", "of Slurm, for each task: gpu:1")
    .option("--time <limit>", "of Slurm, for each task: 4:00:00")
    .option("--mem <size>", "of Slurm, for each task: 8G")
    .option("--cpus-per-task <n>", "cores, and threads, of each task on Slurm; default 1", whole(1))
    .option("--max-tasks <n>", "how many elements of an array Slurm may run at once", whole(1))
    .option("--piece <n>", "samples of one piece of a measurement; default: by the number of cells", whole(1));
}

type Flags = Partial<Record<"partition" | "account" | "gres" | "time" | "mem", string>> &
  Partial<Record<"cpusPerTask" | "maxTasks" | "piece" | "threads", number>> & {
    readonly engine?: "local" | "slurm";
    readonly plan?: true;
  };

/** The engine that is asked for. Throws {@link UserError} for what a layerwise.yaml or the environment says wrongly. */
export async function chooseEngine(command: { opts(): unknown }): Promise<EngineSettings> {
  const flags = command.opts() as Flags;
  const given = Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined)) as Flags;
  const { givenSettings } = await import("./engine-settings.ts");
  const { engine: name = "local", cpusPerTask = 1, threads, ...rest } = { ...givenSettings(), ...given };
  if (name === "slurm") {
    const { checkSlurm } = await import("../../jobs/index.ts");
    if (given.threads)
      throw new UsageError("--threads is for this machine; with --engine slurm it is --cpus-per-task.");
    if (!flags.plan) await checkSlurm(); // before anything else is done
    return { ...rest, name, cpusPerTask };
  }
  const stray = ["partition", "account", "gres", "time", "mem", "cpusPerTask", "maxTasks"].find((key) => key in given);
  if (stray) throw new UsageError(`--${stray.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)} is for --engine slurm.`);
  return { name, threads, piece: rest.piece };
}
