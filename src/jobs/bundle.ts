// What a process on a cluster does: it runs the units of its bundle one after the other. It skips units whose result
// exists, so starting a process twice is harmless. If a unit fails, the others still run.
import { UserError } from "../core/index.ts";
import { readStages, readUnits, submissionPath } from "./folder.ts";
import { describeEnd, runProcess } from "./process.ts";
import { findMissing } from "./unit.ts";

/** Seconds between two progress lines in the log. */
const pause = 30;

/** Returns whether all results exist. Prints what it does on standard output and failures on standard error. */
export async function runBundle(path: string, submission: number, stage: number, bundle: number): Promise<boolean> {
  const stages = await readStages(path, submission);
  const keys = stages[stage]?.bundles[bundle] ?? [];
  const known = new Map((await readUnits(submissionPath(path, submission))).map((unit) => [unit.key, unit]));
  const units = keys.flatMap((key) => known.get(key) ?? []);
  if (units.length === 0 || units.length < keys.length)
    throw new UserError(
      `Submission ${submission} in ${path} does not contain the units of bundle ${bundle} of stage ${stage}. Rerun the command of the job.`,
    );
  for (const unit of findMissing(units)) {
    let printed = 0;
    const end = await runProcess(unit.argv, {
      onMessage(message) {
        if (Date.now() - printed < 1000 * pause) return;
        printed = Date.now();
        console.log(JSON.stringify(message));
      },
      inheritsOutput: true,
    });
    if (findMissing([unit]).length) console.error(`${unit.key}: ${describeEnd(end)}`);
    else console.log(`${unit.key}: done`);
  }
  return findMissing(units).length === 0;
}
