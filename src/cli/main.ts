// The command line: one file per command. Each loads its dependencies only when it runs, so that --help is quick. Exit
// status: 0 success, 1 failure, 2 wrong usage, 130 interrupted.
import { readFileSync } from "node:fs";
import { Command, CommanderError, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { projectRoot, UsageError, UserError } from "../core/index.ts";
import { dataCommand } from "./commands/data.ts";
import { distanceCommand } from "./commands/distance.ts";
import { fetchCommand } from "./commands/fetch.ts";
import { withEngine } from "./options/engine.ts";
import { groupOptions } from "./options/help.ts";
import "./terminal/interrupt.ts";
import { jobsCommand } from "./commands/jobs.ts";
import { mainMeasureOptions, measureCommand } from "./commands/measure.ts";
import { mainMergeOptions, mergeCommand } from "./commands/merge.ts";
import { modelsCommand } from "./commands/models.ts";
import { reportCommand } from "./commands/report.ts";
import { reproduceCommand } from "./commands/reproduce.ts";
import { trainCommand } from "./commands/train.ts";
import { unitCommand } from "./commands/unit.ts";
import { wrapped } from "./terminal/wrap.ts";

const { version } = JSON.parse(readFileSync(`${projectRoot}package.json`, "utf8")) as { version: string };

const program = new Command("layerwise")
  .description("Which layers of two neural networks can be averaged, and which cannot?")
  .version(version, "-V, --version", "show the version")
  .commandsGroup("Other:")
  .helpCommand("help [command]", "show the help of a command")
  .addHelpText("after", "\n`layerwise COMMAND --help` shows examples and the options of a command.");
const groups: Readonly<Record<string, readonly CommandUnknownOpts[]>> = {
  "Two checkpoints:": [
    groupOptions(withEngine(measureCommand()), mainMeasureOptions),
    distanceCommand(),
    groupOptions(mergeCommand(), mainMergeOptions),
  ],
  "Experiments:": [
    groupOptions(withEngine(reproduceCommand()), ["scale", "pairs", "plan", "data-dir", "runs"]),
    groupOptions(withEngine(trainCommand()), ["scale", "data-dir", "runs"]),
    reportCommand(),
    jobsCommand(),
    fetchCommand(),
  ],
  "Other:": [modelsCommand(), dataCommand()],
};
const commands = Object.values(groups).flat();
const debug = ["--debug", "show the stack trace of a failure"] as const;
program.option(...debug);
for (const [heading, members] of Object.entries(groups))
  for (const command of members) program.addCommand(command.option(...debug).helpGroup(heading));
program.addCommand(unitCommand(), { hidden: true });
for (const command of [
  program as CommandUnknownOpts,
  ...commands,
  ...commands.flatMap(({ commands: below }) => below),
]) {
  command.helpOption("-h, --help", "show this help");
  command.exitOverride().showHelpAfterError("(--help shows an example and the options)");
}

// a reader such as `head` may close the pipe early
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = explain(error);
}

/** Wrapped on a terminal; one line elsewhere, such as in a log that is searched. */
function shown(message: string): string {
  return process.stderr.isTTY
    ? message
        .split("\n")
        .map((line) => wrapped(line, "  ", 0))
        .join("\n")
    : message;
}

/** Prints a failure and returns the exit status. Commander has printed its own errors already. */
function explain(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (process.argv.includes("--debug")) console.error(error);
  else if (error instanceof UserError) console.error(shown(`layerwise: ${error.message}`));
  else
    console.error(
      `layerwise: unexpected error: ${(error as Error)?.message ?? error}. Rerun with --debug and report the output.`,
    );
  return error instanceof UsageError ? 2 : 1;
}
