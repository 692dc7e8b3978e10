// What can go wrong on a cluster, each on a real Slurm of three nodes: nothing is lost, nothing is done twice in the results, nothing is left running.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { Cluster, cli, noCluster, pause, Trial, until } from "./cluster.ts";

const cluster = new Cluster();
/** What a user's environment may hold, and must not change. */
const troubling = { SBATCH_JOB_NAME: "mine", SBATCH_TIMELIMIT: "0:01", SQUEUE_STATES: "PENDING" };
let trial: Trial;
let number = 0;
const fresh = () => {
  trial = new Trial(cluster, `trial-${number++}`);
  return trial;
};

describe.skipIf(noCluster)(`a cluster of three nodes${noCluster ? ` (${noCluster})` : ""}`, () => {
  beforeAll(() => {
    cluster.start();
    Object.assign(process.env, troubling);
  });
  afterAll(() => {
    for (const name of Object.keys(troubling)) delete process.env[name];
    cluster.stop();
  });
  afterEach(async () => {
    try {
      await until("the queue to be empty", () => cluster.queue().length === 0);
      await until("all processes to end", () => trial.orphans().length === 0);
    } finally {
      cluster.clear(); // what one test leaves behind fails that test only
    }
  });

  it("does the tasks of a job in their order", async () => {
    const { task, run, begun, result } = bound(fresh());
    await run([
      task("c", 0.1, { after: ["a", "b"] }),
      task("a", 1, { group: "first" }),
      task("b", 1, { group: "first" }),
    ]);
    expect(
      begun()
        .map(({ key }) => key)
        .slice(2),
    ).toEqual(["c"]);
    expect(["a", "b", "c"].map(result)).toEqual(["result of a", "result of b", "result of c"]);
    await run([task("a", 1), task("b", 1)]);
    expect(begun()).toHaveLength(3); // what is done is not done again
  });

  it("a task's process is killed", async () => {
    const { task, run, begun, result } = bound(fresh());
    const running = run([task("a", 2), task("b", 0.1, { after: ["a"] })]);
    await until("a to begin", () => begun("a").length === 1);
    process.kill(begun("a")[0].pid, "SIGKILL");
    await running;
    expect(begun("a")).toHaveLength(2);
    expect([result("a"), result("b")]).toEqual(["result of a", "result of b"]);
  });

  it("its parent shell is killed", async () => {
    const { task, run, begun, result } = bound(fresh());
    const running = run([task("a", 2), task("b", 0.1, { after: ["a"] })]);
    await until("a to begin", () => begun("a").length === 1);
    const [{ pid, parent }] = begun("a");
    process.kill(parent, "SIGKILL");
    await until("the task to end with it", () => !isAlive(pid));
    await running;
    expect(begun("a")).toHaveLength(2);
    expect([result("a"), result("b")]).toEqual(["result of a", "result of b"]);
  });

  it("a node dies", async () => {
    const { task, run, begun, result } = bound(fresh());
    const running = run([task("a", 4), task("b", 0.1, { after: ["a"] })]);
    await until("a to begin", () => begun("a").length === 1);
    const [{ pid, parent, node }] = begun("a");
    // the daemon, the step's keeper, and the work itself
    process.kill(cluster.pid(`slurmd-${node}`), "SIGKILL");
    for (const one of [stepOf(parent), parent, pid]) kill(one);
    await running;
    cluster.startNode(node);
    expect(begun("a").map((one) => one.node)).toHaveLength(2);
    expect([result("a"), result("b")]).toEqual(["result of a", "result of b"]);
  });

  it("the controller is killed and started again", async () => {
    const { task, run, begun, result } = bound(fresh());
    const running = run([task("a", 2), task("b", 0.1, { after: ["a"] })]);
    await until("a to begin", () => begun("a").length === 1);
    process.kill(cluster.pid("slurmctld"), "SIGKILL");
    await pause(3000); // a ends while nobody listens
    cluster.startController();
    await running;
    cluster.resumeNodes();
    expect([result("a"), result("b")]).toEqual(["result of a", "result of b"]);
  });

  it("the same task runs twice at once", async () => {
    const { task, run, begun, result } = bound(fresh());
    const twin = { ...task("a", 2), key: "twin", group: "twin" };
    await run([task("a", 2), twin]);
    expect(begun("a")).toHaveLength(1); // the second waited for the first one's result
    expect(result("a")).toBe("result of a");
  });

  it("a task always fails", async () => {
    const { task, run, begun, result, job } = bound(fresh());
    const tasks = [
      task("bad", 0.1, { fails: true }),
      task("child", 0.1, { after: ["bad"] }),
      task("grandchild", 0.1, { after: ["child"] }),
      task("good", 0.1),
    ];
    await expect(run(tasks)).rejects.toThrow(
      /^1 of 4 tasks failed 3 times, and 2 that wait for them were not begun. bad: it cannot be done \(.*\.log\)\./,
    );
    expect([begun("bad").length, begun("child").length, result("good")]).toEqual([3, 0, "result of good"]);
    const shown = spawnSync(process.execPath, [cli, "jobs", "show", job.id, "--runs", trial.folder], {
      encoding: "utf8",
    });
    expect(shown.stdout).toMatch(
      /^failed {4}bad\n {10}it cannot be done\n {10}\/.*\.log\nnot begun child\nnot begun grandchild\ndone {6}good\n$/,
    );
  });

  it("it is cancelled while the command waits", async () => {
    const { task, run, begun, result, job } = bound(fresh());
    const running = run([task("a", 30), task("b", 0.1, { after: ["a"] })]);
    const ended = expect(running).rejects.toThrow(`The job ${job.id} was cancelled.`);
    await until("a to begin", () => begun("a").length === 1);
    const cancelled = spawnSync(process.execPath, [cli, "jobs", "cancel", job.id, "--runs", trial.folder], {
      encoding: "utf8",
    });
    expect(cancelled.stdout).toBe(`2 processes of ${job.id} were taken out of the queue.\n`);
    await ended;
    expect([begun("a").length, result("a")]).toEqual([1, undefined]);
  });

  it("the command line is killed, and another attaches; the results are those of one machine", async () => {
    fresh();
    const recipe = `model: { width: 2 }
data: { name: cifar10-half, samples: 200, augment: true }
training: { epochs: 4, batch: 48, warmup_steps: 4 }
measure: { every: 2, scans: [single, deep], samples: 160 }
claims: [{ says: it is small, take: full, below: 9 }]
`;
    const [here, there] = ["here", "there"].map((name) => {
      const cwd = join(trial.folder, name);
      mkdirSync(cwd);
      writeFileSync(join(cwd, "one.yaml"), recipe);
      return cwd;
    });
    const command = [cli, "reproduce", "one.yaml", "--quiet"];
    expect(spawnSync(process.execPath, [...command, "--threads", "1"], { cwd: here, encoding: "utf8" }).stderr).toBe(
      "",
    );

    const first = spawn(process.execPath, [...command, "--engine", "slurm", "--piece", "64"], { cwd: there });
    await until("the job to be in the queue", () => cluster.queue().length > 0);
    first.kill("SIGKILL");
    const layerwise = (...args: string[]) =>
      spawnSync(process.execPath, [cli, ...args], { cwd: there, encoding: "utf8" });
    expect(layerwise("jobs").stdout).toMatch(
      /^one-\w{5} {2}\d+ of 20 tasks done, .*\n {2}begun .*: layerwise reproduce one.yaml/,
    );
    const attached = layerwise("jobs", "attach", readdirSync(join(there, "runs/jobs"))[0]);
    expect(attached.stdout).toContain("HOLDS: it is small");
    expect(layerwise("jobs").stdout).toContain("20 of 20 tasks done\n");
    expect(readdirSync(join(there, "runs/jobs", readdirSync(join(there, "runs/jobs"))[0]))).toContain("submit-1");
    expect(contents(join(there, "runs"))).toEqual(contents(join(here, "runs")));

    const other = spawn(process.execPath, [...command, "--engine", "slurm", "--pairs", "2"], { cwd: there });
    await until("the second pair to be in the queue", () => cluster.queue().length > 0);
    other.kill("SIGKILL");
    const [id] = readdirSync(join(there, "runs/jobs")).filter((name) =>
      layerwise("jobs", "show", name).stdout.includes("waiting"),
    );
    expect(layerwise("jobs", "cancel", id).stdout).toMatch(/^\d+ processes of one-\w+ were taken out of the queue/);
  }, 300_000); // a minute and a half on two slow cores
});

/** A trial's methods, on their own. */
function bound(of: Trial) {
  const { job } = of;
  return {
    job,
    task: of.task.bind(of),
    run: of.run.bind(of),
    begun: of.begun.bind(of),
    result: of.result.bind(of),
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {} // it ended with the others
}

/** The parent of a process. */
function stepOf(pid: number): number {
  return Number(spawnSync("ps", ["-o", "ppid=", "-p", String(pid)], { encoding: "utf8" }).stdout.trim());
}

/** Everything of a folder of runs by its name, but for the jobs and the seconds in the logs: the hash of its bytes. */
function contents(root: string): Record<string, string> {
  const files = readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((file) => statSync(join(root, file)).isFile() && !file.startsWith("jobs/"))
    .sort();
  return Object.fromEntries(
    files.map((file) => {
      const bytes = readFileSync(join(root, file));
      if (!file.endsWith("log.ndjson")) return [file, createHash("sha256").update(bytes).digest("hex")];
      const lines = bytes.toString().split("\n").filter(Boolean);
      return [
        file,
        lines
          .map((line) => line.replace(/,"seconds":[^}]*/, ""))
          .sort()
          .join("\n"),
      ];
    }),
  );
}
