// Where the work is to be done: on this machine, or on a Slurm cluster. The cluster's settings are given with the command, by the environment
// (LAYERWISE_PARTITION …) or in a layerwise.yaml where the command is typed, in that order.
import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { UsageError, UserError } from "../core/index.ts";
import type { SlurmOptions } from "../jobs/index.ts";
import { oneOf, whole } from "./options.ts";

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

export interface EngineChoice extends Omit<SlurmOptions, "runner"> {
  readonly name: "local" | "slurm";
  /** Cores for each of so many tasks side by side. */
  readonly cpus: (sideBySide: number) => number;
  /** Cores in all; undefined on a cluster. */
  readonly cores?: number;
  readonly piece?: number;
}

const inFile = {
  engine: "engine",
  partition: "partition",
  account: "account",
  gres: "gres",
  time: "time",
  mem: "mem",
  cpus_per_task: "cpusPerTask",
  max_tasks: "maxTasks",
  piece: "piece",
  sbatch: "sbatch",
  prologue: "prologue",
  wrap: "wrap",
} as const;
const numeric = ["cpus_per_task", "max_tasks", "piece"];

/** The engine that is asked for. Throws {@link UserError} for what a layerwise.yaml or the environment says wrongly. */
export async function chooseEngine(command: { opts(): unknown }): Promise<EngineChoice> {
  const flags = command.opts() as Flags;
  const given = Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined)) as Flags;
  const settings = { ...(await fileSettings()), ...environmentSettings(), ...given };
  const { engine: name = "local", cpusPerTask = 1, threads = availableParallelism(), ...rest } = settings;
  if (name === "slurm") {
    const { checkSlurm } = await import("../jobs/index.ts");
    if (given.threads)
      throw new UsageError("--threads is for this machine; with --engine slurm it is --cpus-per-task.");
    if (!flags.plan) await checkSlurm(); // before anything else is done
    return { ...rest, name, cpus: () => cpusPerTask };
  }
  const stray = ["partition", "account", "gres", "time", "mem", "cpusPerTask", "maxTasks"].find((key) => key in given);
  if (stray) throw new UsageError(`--${stray.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)} is for --engine slurm.`);
  return {
    name,
    cpus: (sideBySide) => Math.max(1, Math.floor(threads / Math.max(1, sideBySide))),
    cores: threads,
    piece: rest.piece,
  };
}

type Settings = Flags & Pick<SlurmOptions, "sbatch" | "prologue" | "wrap">;

async function fileSettings(): Promise<Settings> {
  const path = "layerwise.yaml";
  if (!existsSync(path)) return {};
  const { parse } = await import("yaml");
  let read: unknown;
  try {
    read = parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new UserError(`${path} is not valid YAML: ${(error as Error).message.split("\n")[0]}`);
  }
  if (read !== null && (typeof read !== "object" || Array.isArray(read)))
    throw new UserError(`${path} must have a setting and its value on each line.`);
  return settingsOf((read ?? {}) as Record<string, unknown>, path);
}

function environmentSettings(): Settings {
  const found = Object.keys(inFile).flatMap((key) => {
    const value = process.env[`LAYERWISE_${key.toUpperCase()}`];
    if (value === undefined || value === "") return [];
    return [[key, key === "sbatch" ? value.split(" ") : numeric.includes(key) ? Number(value) : value]];
  });
  return settingsOf(Object.fromEntries(found), "The environment");
}

function settingsOf(values: Record<string, unknown>, where: string): Settings {
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(values)) {
    if (value === null) continue; // left empty
    const name = inFile[key as keyof typeof inFile];
    if (!name)
      throw new UserError(`${where} has an unknown setting ${key}. Known are ${Object.keys(inFile).join(", ")}.`);
    const isRight = numeric.includes(key)
      ? Number.isInteger(value) && Number(value) > 0
      : key === "sbatch"
        ? Array.isArray(value)
        : key === "engine"
          ? value === "local" || value === "slurm"
          : true;
    if (!isRight) throw new UserError(`${where} gives ${key} a wrong value: ${JSON.stringify(value)}.`);
    result[name] = key === "sbatch" || numeric.includes(key) ? value : String(value);
  }
  return result as Settings;
}

/** The settings as the environment would give them, for a later process. */
export function environmentOf(choice: EngineChoice): Record<string, string> {
  const values = Object.entries({ ...choice, engine: choice.name, cpusPerTask: choice.cpus(1) });
  const names = new Map(
    Object.entries(inFile).map(([key, name]) => [name as string, `LAYERWISE_${key.toUpperCase()}`]),
  );
  return Object.fromEntries(
    values.flatMap(([name, value]) =>
      names.has(name) && value !== undefined
        ? [[names.get(name)!, Array.isArray(value) ? value.join(" ") : String(value)]]
        : [],
    ),
  );
}
