// Carries tasks out on any engine: submit what is missing, wait until that has ended, look at the results, and again, until nothing is missing or a task has
// failed too often. What the engine says of success is not believed: a task is done when its result is there.
import { readdir } from "node:fs/promises";
import { dirname } from "node:path";
import { listSome, UserError } from "../core/index.ts";
import type { Engine, Look, Run } from "./engine.ts";
import { dependantsOf, missingOf, type Task } from "./task.ts";

/** Throws {@link UserError} that tells what failed, with its last words, once everything else is done. */
export async function reconcile(
  tasks: readonly Task[],
  engine: Engine,
  onLook: (look: Look) => void = () => {},
): Promise<void> {
  const failures = new Map<string, number>();
  const look = (state?: { running: number; waiting: number }) =>
    onLook({ done: tasks.length - missingOf(tasks).length, total: tasks.length, ...state });
  let run = await engine.attach();
  let submitted: readonly Task[] = run ? missingOf(tasks) : [];
  for (;;) {
    if (run) await ended(run, look);
    await refresh(tasks);
    const left = missingOf(tasks);
    look({ running: 0, waiting: 0 });
    if (left.length === 0) return;
    const keys = new Set(left.map(({ key }) => key));
    for (const { key, after } of submitted) {
      const hadItsChance = keys.has(key) && !after?.some((one) => keys.has(one));
      if (hadItsChance) failures.set(key, (failures.get(key) ?? 0) + 1);
    }
    const failed = left.filter(({ key }) => (failures.get(key) ?? 0) >= engine.tries);
    const doomed = dependantsOf(new Set(failed.map(({ key }) => key)), left);
    const next = left.filter((task) => !failed.includes(task) && !doomed.has(task.key));
    if (next.length === 0) throw await failure(failed, doomed.size, tasks.length, engine, run!);
    submitted = next;
    run = await engine.submit(next);
  }
}

/** Opens the results' folders: on NFS a machine may go on believing for a while that a file is not there, until it looks at the folder again. */
async function refresh(tasks: readonly Task[]): Promise<void> {
  for (const folder of new Set(tasks.map(({ result }) => dirname(result)))) await readdir(folder).catch(() => []);
}

async function ended(run: Run, look: (state?: { running: number; waiting: number }) => void): Promise<void> {
  for (;;) {
    const state = await run.poll();
    look(state);
    if (state && state.running + state.waiting === 0) return;
    await run.change();
  }
}

async function failure(
  failed: readonly Task[],
  doomed: number,
  total: number,
  { tries }: Engine,
  run: Run,
): Promise<UserError> {
  const asked = await Promise.all(failed.map(async ({ key }) => ({ key, said: await run.lastWords(key) })));
  const speaking = asked.filter(({ said }) => said);
  // where the first failure ends the work, those that say nothing were ended with it
  const words = (tries === 1 && speaking.length ? speaking : asked).map(({ key, said }) => {
    const text = said?.text ?? "it left no result and said nothing";
    return { key, text, log: said?.log };
  });
  const [only] = words;
  if (words.length === 1 && tries === 1) return new UserError(only.text);
  const list = listSome(
    words.map(({ key, text, log }) => `${key}: ${text}${log ? ` (${log})` : ""}`),
    3,
  );
  const waiting = doomed ? `, and ${doomed} that wait for them were not begun` : "";
  const often = tries === 1 ? "failed" : `failed ${tries} times`;
  return new UserError(
    `${failed.length} of ${total} tasks ${often}${waiting}. ${list}. Mend the cause and run the same command again to go on.`,
  );
}
