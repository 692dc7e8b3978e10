// A Slurm cluster of three nodes on this machine for the tests, and units that record when and where they run.
import { execFileSync, spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { projectRoot } from "../../src/core/index.ts";
import { type Job, jobPath, reconcile, SlurmEngine, type Unit, writeJob } from "../../src/jobs/index.ts";

const has = (command: string) => spawnSync("which", [command]).status === 0;

/** Why no cluster can be started here; undefined if one can. */
export const noCluster: string | undefined = !["slurmctld", "slurmd", "munged", "sbatch"].every(has)
  ? "Slurm is not installed: apt-get install slurm-wlm munge"
  : process.getuid?.() !== 0
    ? "root is required"
    : undefined;

const script = (name: string) => join(projectRoot, "test/cluster", name);
export const cli = join(projectRoot, "dist/cli/main.js");
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits for a condition; fails after a minute. */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  for (let i = 0; !isSo(); i++) {
    if (i > 600) throw new Error(`waited too long for ${what}`);
    await pause(100);
  }
}

export class Cluster {
  readonly folder = mkdtempSync(join(tmpdir(), "layerwise-slurm-"));

  start(): void {
    const { status, stderr } = spawnSync("bash", [script("start.sh"), this.folder], {
      encoding: "utf8",
      stdio: ["ignore", "ignore", "pipe"],
    });
    if (status !== 0) throw new Error(`the cluster did not start: ${stderr}`);
    process.env.SLURM_CONF = join(this.folder, "slurm.conf");
  }

  stop(): void {
    spawnSync("bash", [script("stop.sh"), this.folder]);
    delete process.env.SLURM_CONF;
    rmSync(this.folder, { recursive: true, force: true });
  }

  pid(daemon: "slurmctld" | `slurmd-${string}`): number {
    return Number(readFileSync(join(this.folder, `${daemon}.pid`), "utf8"));
  }

  clear(): void {
    spawnSync("scancel", ["--user=root"]);
  }

  /** Resumes nodes that Slurm drained because they could not launch a job. */
  resumeNodes(): void {
    spawnSync("scontrol", ["update", "NodeName=n[1-3]", "State=RESUME"]);
  }

  startController = (): string => execFileSync("slurmctld", { encoding: "utf8" });
  startNode = (node: string): string => execFileSync("slurmd", ["-N", node], { encoding: "utf8" });

  /** The queue, one line an element: `JOB NODE STATE`. */
  queue(): string[] {
    const { SQUEUE_STATES: _, ...env } = process.env;
    const { stdout } = spawnSync("squeue", ["--noheader", "--array", "--format", "%i %N %t"], {
      encoding: "utf8",
      env,
    });
    return stdout.split("\n").filter(Boolean);
  }
}

/** A job whose units record their start in a journal, wait, and then write their result. */
export class Trial {
  readonly folder: string;
  readonly job: Job;
  readonly #module: URL;

  constructor(cluster: Cluster, id: string) {
    this.folder = join(cluster.folder, id);
    mkdirSync(this.folder);
    const path = jobPath(this.folder, id);
    this.job = { id, path, command: [], cwd: this.folder, started: "now", environment: {} };
    this.#module = pathToFileURL(join(this.folder, "slow.mjs"));
    writeFileSync(
      this.#module,
      `import { appendFileSync, renameSync, writeFileSync } from "node:fs";
export default async ({ key, seconds, result, journal, fails }, report) => {
  appendFileSync(journal, [key, process.pid, process.ppid, process.env.SLURMD_NODENAME ?? "none"].join(" ") + "\\n");
  report({ working: key });
  await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
  if (fails) throw new Error("it cannot be done");
  writeFileSync(result + ".new", "result of " + key);
  renameSync(result + ".new", result);
};
`,
    );
    appendFileSync(this.#journal, "");
  }

  get #journal(): string {
    return join(this.folder, "journal");
  }

  unit(key: string, seconds: number, more: Partial<Unit> & { fails?: boolean } = {}): Unit {
    const { fails, ...rest } = more;
    const result = join(this.folder, key);
    const input = { key, seconds, result, journal: this.#journal, fails };
    const work = JSON.stringify({ module: this.#module.href, input, result });
    const argv = [process.execPath, join(projectRoot, "dist/runtime/child.js"), work];
    return { key, argv, result, cpus: 1, group: key, seconds, ...rest };
  }

  /** Runs units on the cluster. */
  async run(units: readonly Unit[]): Promise<void> {
    await writeJob(this.job, units);
    const engine = new SlurmEngine(this.job, { runner: [process.execPath, cli, "unit"], pollMs: 300 });
    await reconcile(units, engine);
  }

  /** Every start of a unit, in order. */
  starts(key?: string): { key: string; pid: number; parent: number; node: string }[] {
    const lines = readFileSync(this.#journal, "utf8").split("\n").filter(Boolean);
    const all = lines.map((line) => {
      const [name, pid, parent, node] = line.split(" ");
      return { key: name, pid: Number(pid), parent: Number(parent), node };
    });
    return all.filter((one) => key === undefined || one.key === key);
  }

  result(key: string): string | undefined {
    const path = join(this.folder, key);
    return existsSync(path) ? readFileSync(path, "utf8") : undefined;
  }

  /** Processes of this trial that are still running. */
  orphans(): string[] {
    const { stdout } = spawnSync("pgrep", ["-f", "-a", this.folder], { encoding: "utf8" });
    return stdout.split("\n").filter((line) => line && !line.includes("pgrep"));
  }
}
