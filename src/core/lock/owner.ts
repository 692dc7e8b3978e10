// The process that owns a lock or an unfinished file. On a shared folder it may run on another machine, where it cannot
// be queried; then the time of its last heartbeat decides whether it is alive.
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";

export interface Owner {
  readonly pid: number;
  readonly host: string;
  /**
   * Start time in the system's ticks, because pids are reused, such as after a restart. Undefined where there is no
   * /proc.
   */
  readonly started?: string;
  /** The cluster job that it belongs to; when the same job is restarted, it replaces this process. */
  readonly job?: string;
}

/** A remote process is presumed dead after this long without a heartbeat; no work blocks heartbeats for longer. */
const silence = 5 * 60_000;

export const self = (): Owner => ({
  pid: process.pid,
  host: hostname(),
  started: readStatus(process.pid)?.started,
  job: ownJob(),
});

/** The Slurm job (and its place in an array) that this process runs in. */
function ownJob(): string | undefined {
  const { SLURM_JOB_ID, SLURM_ARRAY_JOB_ID, SLURM_ARRAY_TASK_ID } = process.env;
  return SLURM_ARRAY_JOB_ID ? `${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}` : SLURM_JOB_ID;
}

/** Whether the owner still runs; `lastHeartbeat` is in milliseconds since 1970. */
export function isAlive({ pid, host, job, started }: Owner, lastHeartbeat: number): boolean {
  if (pid === 0) return false; // nobody
  if (host !== hostname()) return Date.now() - lastHeartbeat < silence && (job === undefined || job !== ownJob());
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  const status = readStatus(pid);
  return !status?.isZombie && (!status || started === undefined || status.started === started);
}

/** A process's state and start time; undefined where the system does not give them. */
function readStatus(pid: number): { isZombie: boolean; started: string } | undefined {
  try {
    const [state, ...fields] = readFileSync(`/proc/${pid}/stat`, "latin1")
      .replace(/^.*\) /s, "")
      .split(" ");
    return { isZombie: state === "Z", started: fields[18] }; // a zombie has ended, but its parent has not noticed yet
  } catch {
    return undefined;
  }
}

/** The temporary name, in the folder of `path`, under which this process writes the file. */
export const partName = (path: string): string =>
  join(dirname(path), `.${basename(path)}~${hostname()}~${process.pid}~${randomBytes(4).toString("hex")}.part`);

/** The process that writes (or wrote) a file of such a temporary name; undefined for other names. */
export function writerOf(file: string): Owner | undefined {
  const [, host, pid] = /^\..*~([^~]*)~(\d+)~[0-9a-f]{8}\.part$/.exec(basename(file)) ?? [];
  return pid === undefined ? undefined : { host, pid: Number(pid) };
}

/** The owner that a lock file's content names. */
export function lockOwner(text: string): Owner {
  try {
    const { pid, host, started, job } = JSON.parse(text) as Partial<Owner>;
    if (pid && host) return { pid, host, started, job };
  } catch {}
  return { pid: 0, host: "" }; // not a lock of layerwise, so nobody owns it
}
