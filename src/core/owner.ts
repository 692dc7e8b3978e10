// Who is at work on something that other processes can see: a lock, a file half written. On a shared folder the other process may be on another machine,
// where it cannot be asked; then the time of its last sign of life tells.
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";

export interface Owner {
  readonly pid: number;
  readonly host: string;
  /** The cluster job it belongs to; the same job started again stands in for it. */
  readonly job?: string;
}

/** A process elsewhere counts as dead after so long without a sign: longer than any piece of work that keeps it from giving one. */
const silence = 5 * 60_000;

export const self = (): Owner => ({ pid: process.pid, host: hostname(), job: ownJob() });

/** The Slurm job (and its place in an array) that this process runs in. */
function ownJob(): string | undefined {
  const { SLURM_JOB_ID, SLURM_ARRAY_JOB_ID, SLURM_ARRAY_TASK_ID } = process.env;
  return SLURM_ARRAY_JOB_ID ? `${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}` : SLURM_JOB_ID;
}

/** Whether the owner is at work still; `lastSign` is when it last gave one (ms since 1970). */
export function isAlive({ pid, host, job }: Owner, lastSign: number): boolean {
  if (pid === 0) return false; // nobody
  if (host !== hostname()) return Date.now() - lastSign < silence && (job === undefined || job !== ownJob());
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Ended, but its parent has not looked yet. */
function isZombie(pid: number): boolean {
  try {
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
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
    const { pid, host, job } = JSON.parse(text) as Partial<Owner>;
    if (pid && host) return { pid, host, job };
  } catch {}
  return { pid: 0, host: "" }; // no lock of ours: nobody's
}
