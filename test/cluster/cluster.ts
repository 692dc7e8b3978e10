// A Slurm of three nodes on this machine, for the tests, and tasks that tell what happens to them.
import { execFileSync, spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { projectRoot } from "../../src/core/index.ts";
import { type Job, jobPath, reconcile, SlurmEngine, type Task, writeJob } from "../../src/jobs/index.ts";

const has = (command: string) => spawnSync("which", [command]).status === 0;

/** Why there can be no cluster here; undefined where there can. */
export const noCluster: string | undefined = !["slurmctld", "slurmd", "munged", "sbatch"].every(has)
  ? "Slurm is not installed: apt-get install slurm-wlm munge"
  : process.getuid?.() !== 0
    ? "it wants root"
    : undefined;

const script = (name: string) => join(projectRoot, "test/cluster", name);
export const cli = join(projectRoot, "dist/cli/main.js");
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until something is so; fails after a minute. */
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

  /** Takes nodes back that Slurm drained because they would not begin a job. */
  resumeNodes(): void {
    spawnSync("scontrol", ["update", "NodeName=n[1-3]", "State=RESUME"]);
  }

  startController = (): string => execFileSync("slurmctld", { encoding: "utf8" });
  startNode = (node: string): string => execFileSync("slurmd", ["-N", node], { encoding: "utf8" });

  /** What is in the queue: `JOB NODE STATE`. */
  queue(): string[] {
    const { SQUEUE_STATES: _, ...env } = process.env;
    const { stdout } = spawnSync("squeue", ["--noheader", "--array", "--format", "%i %N %t"], {
      encoding: "utf8",
      env,
    });
    return stdout.split("\n").filter(Boolean);
  }
}

/** A job whose tasks write down when they begin, wait, and then make their result. */
export class Trial {
  readonly folder: string;
  readonly job: Job;
  readonly #module: URL;

  constructor(cluster: Cluster, id: string) {
    this.folder = join(cluster.folder, id);
    mkdirSync(this.folder);
    const path = jobPath(this.folder, id);
    this.job = { id, path, command: [], cwd: this.folder, begun: "now", environment: {} };
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

  task(key: string, seconds: number, more: Partial<Task> & { fails?: boolean } = {}): Task {
    const { fails, ...rest } = more;
    const result = join(this.folder, key);
    const input = { key, seconds, result, journal: this.#journal, fails };
    const work = JSON.stringify({ module: this.#module.href, input, result });
    const argv = [process.execPath, join(projectRoot, "dist/runtime/child.js"), work];
    return { key, argv, result, cpus: 1, group: key, seconds, ...rest };
  }

  /** Carries tasks out on the cluster. */
  async run(tasks: readonly Task[]): Promise<void> {
    await writeJob(this.job, tasks);
    const engine = new SlurmEngine(this.job, { runner: [process.execPath, cli, "task"], pollMs: 300 });
    await reconcile(tasks, engine);
  }

  /** Every beginning of a task, in order. */
  begun(key?: string): { key: string; pid: number; parent: number; node: string }[] {
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

  /** Processes of this trial that are left. */
  orphans(): string[] {
    const { stdout } = spawnSync("pgrep", ["-f", "-a", this.folder], { encoding: "utf8" });
    return stdout.split("\n").filter((line) => line && !line.includes("pgrep"));
  }
}
