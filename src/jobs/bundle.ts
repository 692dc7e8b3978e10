// What a cluster's process does: the tasks of its bundle, one after the other. One whose result is there already is passed over, so that it does no harm when a
// process is started twice; one that fails does not keep the others from being done.

import { readStages, readTasks } from "./folder.ts";
import { describeEnd, runProcess } from "./process.ts";
import { missingOf } from "./task.ts";

/** Seconds between two lines of progress in the log. */
const pause = 30;

/** Returns whether all have their results. Says on standard output what it does, on standard error what failed. */
export async function runBundle(path: string, submission: number, stage: number, bundle: number): Promise<boolean> {
  const stages = await readStages(path, submission);
  const keys = new Set(stages[stage]?.bundles[bundle] ?? []);
  const tasks = (await readTasks(path)).filter(({ key }) => keys.has(key));
  for (const task of missingOf(tasks)) {
    let told = 0;
    const end = await runProcess(task.argv, {
      onMessage(message) {
        if (Date.now() - told < 1000 * pause) return;
        told = Date.now();
        console.log(`${task.key}: ${JSON.stringify(message)}`);
      },
      isHeard: true,
    });
    if (missingOf([task]).length) console.error(`${task.key}: ${describeEnd(end)}`);
    else console.log(`${task.key}: done`);
  }
  return missingOf(tasks).length === 0;
}
