// Who is at work on something that other processes can see: a lock, a file half written. On a shared folder the other process may be on another machine,
// where it cannot be asked; then the time of its last sign of life tells.
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";

export interface Owner {
  readonly pid: number;
  readonly host: string;
  /** When it began, as the system counts: numbers are given again, after a restart of the machine for one. Undefined where there is no /proc. */
  readonly started?: string;
  /** The cluster job it belongs to; the same job started again stands in for it. */
  readonly job?: string;
}

/** A process elsewhere counts as dead after so long without a sign: longer than any piece of work that keeps it from giving one. */
const silence = 5 * 60_000;

export const self = (): Owner => ({
  pid: process.pid,
  host: hostname(),
  started: statusOf(process.pid)?.started,
  job: ownJob(),
});

/** The Slurm job (and its place in an array) that this process runs in. */
function ownJob(): string | undefined {
  const { SLURM_JOB_ID, SLURM_ARRAY_JOB_ID, SLURM_ARRAY_TASK_ID } = process.env;
  return SLURM_ARRAY_JOB_ID ? `${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}` : SLURM_JOB_ID;
}

/** Whether the owner is at work still; `lastSign` is when it last gave one (ms since 1970). */
export function isAlive({ pid, host, job, started }: Owner, lastSign: number): boolean {
  if (pid === 0) return false; // nobody
  if (host !== hostname()) return Date.now() - lastSign < silence && (job === undefined || job !== ownJob());
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  const status = statusOf(pid);
  return !status?.isZombie && (!status || started === undefined || status.started === started);
}

/** What the system tells of a process; undefined where it tells nothing. */
function statusOf(pid: number): { isZombie: boolean; started: string } | undefined {
  try {
    const [state, ...fields] = readFileSync(`/proc/${pid}/stat`, "latin1")
      .replace(/^.*\) /s, "")
      .split(" ");
    return { isZombie: state === "Z", started: fields[18] }; // a zombie has ended, but its parent has not looked yet
  } catch {
    return undefined;
  }
}

/** The name, beside `path`, under which this process writes it until it is whole. */
export const partName = (path: string): string =>
  join(dirname(path), `.${basename(path)}~${hostname()}~${process.pid}~${randomBytes(4).toString("hex")}.part`);

/** The process that writes (or wrote) such a file; undefined for other names. */
export function writerOf(file: string): Owner | undefined {
  const [, host, pid] = /^\..*~([^~]*)~(\d+)~[0-9a-f]{8}\.part$/.exec(basename(file)) ?? [];
  return pid === undefined ? undefined : { host, pid: Number(pid) };
}

/** Who has (or had) a lock file of this content. */
export function lockOwner(text: string): Owner {
  try {
    const { pid, host, started, job } = JSON.parse(text) as Partial<Owner>;
    if (pid && host) return { pid, host, started, job };
  } catch {}
  return { pid: 0, host: "" }; // no lock of ours: nobody's
}
