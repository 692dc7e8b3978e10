// Runs units on any engine: submits what is missing, waits until the submission has ended, checks the results, and
// repeats until nothing is missing or a unit has failed too often. Only a result file counts as success, whatever the
// engine reports.
import { readdir } from "node:fs/promises";
import { dirname } from "node:path";
import { listSome, UserError } from "../core/index.ts";
import type { Engine, JobStatus, Submission } from "./engine.ts";
import { findDependants, findMissing, type Unit } from "./unit.ts";

/** Throws {@link UserError} with the failed units and their last output, after everything else is done. */
export async function reconcile(
  units: readonly Unit[],
  engine: Engine,
  onStatus: (status: JobStatus) => void = () => {},
): Promise<void> {
  const failures = new Map<string, number>();
  const notify = (state?: { running: number; waiting: number }) =>
    onStatus({ done: units.length - findMissing(units).length, total: units.length, ...state });
  let submission = await engine.attach();
  let submitted: readonly Unit[] = submission ? findMissing(units) : [];
  for (;;) {
    if (submission) await waitForEnd(submission, notify);
    await refresh(units);
    const left = findMissing(units);
    notify({ running: 0, waiting: 0 });
    if (left.length === 0) return;
    const keys = new Set(left.map(({ key }) => key));
    for (const { key, after } of submitted) {
      const couldStart = !after?.some((one) => keys.has(one));
      if (keys.has(key) && couldStart) failures.set(key, (failures.get(key) ?? 0) + 1);
    }
    const failed = left.filter(({ key }) => (failures.get(key) ?? 0) >= engine.tries);
    const blocked = findDependants(new Set(failed.map(({ key }) => key)), left);
    const next = left.filter((unit) => !failed.includes(unit) && !blocked.has(unit.key));
    if (next.length === 0)
      throw await describeFailure(failed, {
        blocked: blocked.size,
        total: units.length,
        engine,
        submission: submission!,
      });
    submitted = next;
    submission = await engine.submit(next);
  }
}

/** Lists the results' folders: an NFS client may cache that a file does not exist until its folder is read again. */
async function refresh(units: readonly Unit[]): Promise<void> {
  for (const folder of new Set(units.map(({ result }) => dirname(result)))) await readdir(folder).catch(() => []);
}

async function waitForEnd(
  submission: Submission,
  notify: (state?: { running: number; waiting: number }) => void,
): Promise<void> {
  for (;;) {
    const state = await submission.poll();
    notify(state);
    if (state && state.running + state.waiting === 0) return;
    await submission.change();
  }
}

interface FailureContext {
  /** Units that did not start because they depend on a failed one. */
  readonly blocked: number;
  readonly total: number;
  readonly engine: Engine;
  readonly submission: Submission;
}

async function describeFailure(
  failed: readonly Unit[],
  { blocked, total, engine: { tries }, submission }: FailureContext,
): Promise<UserError> {
  const all = await Promise.all(failed.map(async ({ key }) => ({ key, output: await submission.readFailure(key) })));
  const withOutput = all.filter(({ output }) => output);
  // with a single try the first failure ends the other processes, which then have no output
  const shown = (tries === 1 && withOutput.length ? withOutput : all).map(({ key, output }) => {
    const text = output?.text ?? "it left no result and printed nothing";
    return { key, text, log: output?.log };
  });
  const [only] = shown;
  if (shown.length === 1 && tries === 1) return new UserError(only.text);
  const list = listSome(
    shown.map(({ key, text, log }) => `${key}: ${text}${log ? ` (${log})` : ""}`),
    3,
  );
  const times = tries === 1 ? "" : ` ${tries} times`;
  const dependents = blocked ? `; ${blocked} dependent ${blocked === 1 ? "unit" : "units"} did not start` : "";
  return new UserError(
    `${failed.length} of ${total} units failed${times}${dependents}. ${list}. Fix the cause, then rerun the same command to resume.`,
  );
}
