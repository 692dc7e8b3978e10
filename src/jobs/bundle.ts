// What a cluster's process does: the tasks of its bundle, one after the other. One whose result is there already is passed over, so that it does no harm when a
// process is started twice; one that fails does not keep the others from being done.

import { UserError } from "../core/index.ts";
import { readStages, readTasks, submissionPath } from "./folder.ts";
import { describeEnd, runProcess } from "./process.ts";
import { missingOf } from "./task.ts";

/** Seconds between two lines of progress in the log. */
const pause = 30;

/** Returns whether all have their results. Says on standard output what it does, on standard error what failed. */
export async function runBundle(path: string, submission: number, stage: number, bundle: number): Promise<boolean> {
  const stages = await readStages(path, submission);
  const keys = stages[stage]?.bundles[bundle] ?? [];
  const known = new Map((await readTasks(submissionPath(path, submission))).map((task) => [task.key, task]));
  const tasks = keys.flatMap((key) => known.get(key) ?? []);
  if (tasks.length === 0 || tasks.length < keys.length)
    throw new UserError(`${path} does not know this bundle's tasks.`);
  for (const task of missingOf(tasks)) {
    let told = 0;
    const end = await runProcess(task.argv, {
      onMessage(message) {
        if (Date.now() - told < 1000 * pause) return;
        told = Date.now();
        console.log(JSON.stringify(message));
      },
      isHeard: true,
    });
    if (missingOf([task]).length) console.error(`${task.key}: ${describeEnd(end)}`);
    else console.log(`${task.key}: done`);
  }
  return missingOf(tasks).length === 0;
}
