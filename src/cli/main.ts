// The command line: one file a command; each loads what it needs only when it runs, so that --help is quick. Exit status: 0 done, 1 a failure
// told in one sentence, 2 wrong usage, 130 interrupted.
import { readFileSync } from "node:fs";
import { Command, CommanderError, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { projectRoot, UsageError, UserError } from "../core/index.ts";
import { dataCommand } from "./commands/data.ts";
import { distanceCommand } from "./commands/distance.ts";
import { fetchCommand } from "./commands/fetch.ts";
import { withEngine } from "./options/engine.ts";
import "./terminal/interrupt.ts";
import { jobsCommand } from "./commands/jobs.ts";
import { measureCommand } from "./commands/measure.ts";
import { mergeCommand } from "./commands/merge.ts";
import { modelsCommand } from "./commands/models.ts";
import { reportCommand } from "./commands/report.ts";
import { reproduceCommand } from "./commands/reproduce.ts";
import { trainCommand } from "./commands/train.ts";
import { unitCommand } from "./commands/unit.ts";

const { version } = JSON.parse(readFileSync(`${projectRoot}package.json`, "utf8")) as { version: string };

const program = new Command("layerwise")
  .description("Which layers of two neural networks can be averaged, and which cannot?")
  .version(version)
  .option("--debug", "show the stack trace of a failure");
const commands: CommandUnknownOpts[] = [
  withEngine(reproduceCommand()),
  withEngine(trainCommand()),
  withEngine(measureCommand()),
  distanceCommand(),
  mergeCommand(),
  reportCommand(),
  jobsCommand(),
  modelsCommand(),
  dataCommand(),
  fetchCommand(),
];
program.addCommand(unitCommand(), { hidden: true });
for (const command of commands) program.addCommand(command.option("--debug", "show the stack trace of a failure"));
for (const command of [
  program as CommandUnknownOpts,
  ...commands,
  ...commands.flatMap(({ commands: below }) => below),
]) {
  command.exitOverride().showHelpAfterError("(--help shows an example and the options)");
}

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = explain(error);
}

/** Tells a failure and returns the exit status. Commander has told its own already. */
function explain(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (process.argv.includes("--debug")) console.error(error);
  else if (error instanceof UserError) console.error(`layerwise: ${error.message}`);
  else
    console.error(
      `layerwise: something unexpected went wrong: ${(error as Error)?.message ?? error}. Run it again with --debug and report what it prints.`,
    );
  return error instanceof UsageError ? 2 : 1;
}
