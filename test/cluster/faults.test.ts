// Faults on a real Slurm cluster of three nodes: no result is lost or duplicated, and no process keeps running.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { Cluster, cli, noCluster, pause, Trial, until } from "./cluster.ts";

const cluster = new Cluster();
/** Variables of a user's environment that must have no effect. */
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
      cluster.clear(); // so that leftovers fail one test only
    }
  });

  it("runs the units of a job in order", async () => {
    const { unit, run, starts, result } = bound(fresh());
    await run([
      unit("c", 0.1, { after: ["a", "b"] }),
      unit("a", 1, { group: "first" }),
      unit("b", 1, { group: "first" }),
    ]);
    expect(
      starts()
        .map(({ key }) => key)
        .slice(2),
    ).toEqual(["c"]);
    expect(["a", "b", "c"].map(result)).toEqual(["result of a", "result of b", "result of c"]);
    await run([unit("a", 1), unit("b", 1)]);
    expect(starts()).toHaveLength(3); // finished units do not run again
  });

  it("a unit's process is killed", async () => {
    const { unit, run, starts, result } = bound(fresh());
    const running = run([unit("a", 2), unit("b", 0.1, { after: ["a"] })]);
    await until("a to start", () => starts("a").length === 1);
    process.kill(starts("a")[0].pid, "SIGKILL");
    await running;
    expect(starts("a")).toHaveLength(2);
    expect([result("a"), result("b")]).toEqual(["result of a", "result of b"]);
  });

  it("its parent shell is killed", async () => {
    const { unit, run, starts, result } = bound(fresh());
    const running = run([unit("a", 2), unit("b", 0.1, { after: ["a"] })]);
    await until("a to start", () => starts("a").length === 1);
    const [{ pid, parent }] = starts("a");
    process.kill(parent, "SIGKILL");
    await until("the unit to end with it", () => !isAlive(pid));
    await running;
    expect(starts("a")).toHaveLength(2);
    expect([result("a"), result("b")]).toEqual(["result of a", "result of b"]);
  });

  it("a node dies", async () => {
    const { unit, run, starts, result } = bound(fresh());
    const running = run([unit("a", 4), unit("b", 0.1, { after: ["a"] })]);
    await until("a to start", () => starts("a").length === 1);
    const [{ pid, parent, node }] = starts("a");
    // the daemon, the step daemon, and the unit's process
    process.kill(cluster.pid(`slurmd-${node}`), "SIGKILL");
    for (const one of [stepOf(parent), parent, pid]) kill(one);
    await running;
    cluster.startNode(node);
    expect(starts("a").map((one) => one.node)).toHaveLength(2);
    expect([result("a"), result("b")]).toEqual(["result of a", "result of b"]);
  });

  it("the controller is killed and restarted", async () => {
    const { unit, run, starts, result } = bound(fresh());
    const running = run([unit("a", 2), unit("b", 0.1, { after: ["a"] })]);
    await until("a to start", () => starts("a").length === 1);
    process.kill(cluster.pid("slurmctld"), "SIGKILL");
    await pause(3000); // a ends while the controller is down
    cluster.startController();
    await running;
    cluster.resumeNodes();
    expect([result("a"), result("b")]).toEqual(["result of a", "result of b"]);
  });

  it("the same unit runs twice at once", async () => {
    const { unit, run, starts, result } = bound(fresh());
    const twin = { ...unit("a", 2), key: "twin", group: "twin" };
    await run([unit("a", 2), twin]);
    expect(starts("a")).toHaveLength(1); // the second waited for the first one's result
    expect(result("a")).toBe("result of a");
  });

  it("a unit always fails", async () => {
    const { unit, run, starts, result, job } = bound(fresh());
    const units = [
      unit("bad", 0.1, { fails: true }),
      unit("child", 0.1, { after: ["bad"] }),
      unit("grandchild", 0.1, { after: ["child"] }),
      unit("good", 0.1),
    ];
    await expect(run(units)).rejects.toThrow(
      /^1 of 4 units failed 3 times; 2 dependent units did not start\. bad: it cannot be done \(.*\.log\)\./,
    );
    expect([starts("bad").length, starts("child").length, result("good")]).toEqual([3, 0, "result of good"]);
    const shown = spawnSync(process.execPath, [cli, "jobs", "show", job.id, "--runs", trial.folder], {
      encoding: "utf8",
    });
    expect(shown.stdout).toMatch(
      /^trial-\d+ {2}1 of 4 units done, 1 failed, 2 not started\n {2}failed {6}bad\n {14}it cannot be done\n {14}log: \/.*\.log\n {2}not started child\n {2}not started grandchild\n {2}done {8}good\n$/,
    );
  });

  it("the job is cancelled while the command waits", async () => {
    const { unit, run, starts, result, job } = bound(fresh());
    const running = run([unit("a", 30), unit("b", 0.1, { after: ["a"] })]);
    const ended = expect(running).rejects.toThrow(`The job ${job.id} was cancelled.`);
    await until("a to start", () => starts("a").length === 1);
    const cancelled = spawnSync(process.execPath, [cli, "jobs", "cancel", job.id, "--runs", trial.folder], {
      encoding: "utf8",
    });
    expect(cancelled.stdout).toBe(`Cancelled 2 processes of ${job.id}.\n`);
    await ended;
    expect([starts("a").length, result("a")]).toEqual([1, undefined]);
  });

  it("the command is killed and another attaches; the results equal those of one machine", async () => {
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
      /^one-\w{5} {2}\d+ of 20 units done, .*\n {2}started .*: layerwise reproduce one.yaml/,
    );
    const attached = layerwise("jobs", "attach", readdirSync(join(there, "runs/jobs"))[0]);
    expect(attached.stdout).toContain("HOLDS: it is small");
    expect(layerwise("jobs").stdout).toContain("20 of 20 units done\n");
    expect(readdirSync(join(there, "runs/jobs", readdirSync(join(there, "runs/jobs"))[0]))).toContain("submit-1");
    expect(contents(join(there, "runs"))).toEqual(contents(join(here, "runs")));

    const other = spawn(process.execPath, [...command, "--engine", "slurm", "--pairs", "2"], { cwd: there });
    await until("the second pair to be in the queue", () => cluster.queue().length > 0);
    other.kill("SIGKILL");
    const [id] = readdirSync(join(there, "runs/jobs")).filter((name) =>
      layerwise("jobs", "show", name).stdout.includes("waiting"),
    );
    expect(layerwise("jobs", "cancel", id).stdout).toMatch(/^Cancelled \d+ processes of one-\w+\./);
  }, 300_000); // a minute and a half on two slow cores
});

/** A trial's methods, bound to it. */
function bound(of: Trial) {
  const { job } = of;
  return {
    job,
    unit: of.unit.bind(of),
    run: of.run.bind(of),
    starts: of.starts.bind(of),
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
  } catch {} // it has ended
}

/** The parent of a process. */
function stepOf(pid: number): number {
  return Number(spawnSync("ps", ["-o", "ppid=", "-p", String(pid)], { encoding: "utf8" }).stdout.trim());
}

/** Hashes of all files in a runs folder, without jobs and without the seconds in logs. */
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
