import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { stagesOf } from "./bundles.ts";
import type { Engine, Run } from "./engine.ts";
import { LocalEngine } from "./local.ts";
import { reconcile } from "./reconcile.ts";
import { scriptOf } from "./slurm.ts";
import { dependantsOf, missingOf, type Task } from "./task.ts";

const root = mkdtempSync(join(tmpdir(), "layerwise-jobs-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(root, "x"));
});

/** A task that runs a line of JavaScript; `done()` writes its result, `log(…)` writes a line that all tasks share. */
function task(key: string, line: string, more: Partial<Task> = {}): Task {
  const result = join(folder, key);
  const journal = JSON.stringify(join(folder, "journal"));
  const code = `const fs = require("node:fs");
    const log = (text) => fs.appendFileSync(${journal}, text + "\\n");
    const done = () => fs.writeFileSync(${JSON.stringify(result)}, "");
    ${line}`;
  return { key, argv: [process.execPath, "-e", code], result, cpus: 1, group: key, ...more };
}
const span = (key: string, ms = 150) => `log("+${key}"); setTimeout(() => { log("-${key}"); done(); }, ${ms})`;
const journal = () => readFileSync(join(folder, "journal"), "utf8").trim().split("\n");

describe("the local engine", () => {
  const run = (tasks: readonly Task[], cpus = 2, memoryMb?: number) =>
    reconcile(tasks, new LocalEngine({ cpus, memoryMb }));

  it("runs tasks side by side, but none before what it waits for", async () => {
    await run([
      task("a", span("a", 400)),
      task("b", span("b", 400)),
      task("c", span("c"), { after: ["a", "elsewhere"] }),
    ]);
    const told = journal();
    expect(told.slice(0, 2).sort()).toEqual(["+a", "+b"]);
    expect(told.indexOf("+c")).toBeGreaterThan(told.indexOf("-a"));
  });

  it("keeps within the cores and the memory, and runs alone what wants more than there is", async () => {
    await run([task("a", span("a")), task("b", span("b"), { cpus: 8 }), task("c", span("c", 400))]);
    const told = journal(); // c may begin beside a, b runs alone
    expect(told.indexOf("-b") - told.indexOf("+b")).toBe(1);
    rmSync(join(folder, "journal"));
    for (const key of ["a", "b"]) rmSync(join(folder, key));
    await run([task("a", span("a"), { memoryMb: 60 }), task("b", span("b"), { memoryMb: 60 })], 2, 100);
    expect(journal()).toEqual(["+a", "-a", "+b", "-b"]);
  });

  it("does not do again what is done", async () => {
    writeFileSync(join(folder, "a"), "");
    await run([task("a", span("a")), task("b", span("b"))]);
    expect(journal()).toEqual(["+b", "-b"]);
  });

  it("tells a failure in the task's own words, ends the others and begins nothing new", async () => {
    const tasks = [
      task("a", `setTimeout(() => { console.error("it broke"); process.exit(1); }, 200)`),
      task("b", span("b", 20_000)),
      task("c", span("c"), { after: ["a"] }),
    ];
    await expect(run(tasks)).rejects.toThrow("it broke");
    expect(journal()).toEqual(["+b"]);
    await expect(run([task("d", "process.exit(0)")])).rejects.toThrow("ended with status 0");
    await expect(run([task("e", `process.kill(process.pid, "SIGKILL")`)])).rejects.toThrow("SIGKILL");
    await expect(run([{ ...task("f", ""), argv: ["/no/such/command"] }])).rejects.toThrow("ENOENT");
  });

  it("sees tasks that wait for each other", async () => {
    const tasks = [task("a", "done()", { after: ["b"] }), task("b", "done()", { after: ["a"] })];
    await expect(run(tasks)).rejects.toThrow("wait for each other");
  });

  it("hears what tasks tell", async () => {
    const heard: unknown[] = [];
    const engine = new LocalEngine({ cpus: 1, onMessage: (key, message) => heard.push([key, message]) });
    await reconcile([task("a", `process.send({ progress: 1 }, () => { done(); process.exit(0); })`)], engine);
    expect(heard).toEqual([["a", { progress: 1 }]]);
  });
});

describe("what is missing", () => {
  it("is what has no result and is waited for", () => {
    const tasks = [task("a", ""), task("b", "", { after: ["a"] }), task("c", "", { after: ["b"] })];
    expect(missingOf(tasks).map(({ key }) => key)).toEqual(["a", "b", "c"]);
    writeFileSync(join(folder, "b"), "");
    expect(missingOf(tasks).map(({ key }) => key)).toEqual(["c"]); // nobody needs a any more
    expect([...dependantsOf(new Set(["a"]), tasks)]).toEqual(["b", "c"]);
  });
});

describe("reconcile", () => {
  /** An engine whose runs do what `attempt` says with the submitted tasks, at once. */
  const engineOf = (attempt: (tasks: readonly Task[], number: number) => void): Engine & { submitted: string[][] } => {
    const submitted: string[][] = [];
    const run: Run = {
      poll: async () => ({ running: 0, waiting: 0 }),
      change: async () => {},
      lastWords: async (key) => ({ text: `${key} says no`, log: `${key}.log` }),
    };
    return {
      submitted,
      tries: 3,
      attach: async () => undefined,
      async submit(tasks) {
        submitted.push(tasks.map(({ key }) => key));
        attempt(tasks, submitted.length);
        return run;
      },
    };
  };
  const make = ({ result }: Task) => writeFileSync(result, "");

  it("submits again just what is missing, whatever the engine said", async () => {
    const tasks = [task("a", ""), task("b", ""), task("c", "", { after: ["b"] })];
    const engine = engineOf((some, number) => {
      make(some[0]);
      if (number === 2) for (const one of some) make(one);
    });
    await reconcile(tasks, engine);
    expect(engine.submitted).toEqual([
      ["a", "b", "c"],
      ["b", "c"],
    ]);
  });

  it("gives up on a task after so many tries, does all else, and never begins what waits for it", async () => {
    const tasks = [task("bad", ""), task("child", "", { after: ["bad"] }), task("good", "")];
    const engine = engineOf((some) => {
      for (const one of some) if (one.key === "good") make(one);
    });
    await expect(reconcile(tasks, engine)).rejects.toThrow(
      "1 of 3 tasks failed 3 times, and 1 that wait for them were not begun. bad: bad says no (bad.log).",
    );
    expect(engine.submitted).toEqual([
      ["bad", "child", "good"],
      ["bad", "child"],
      ["bad", "child"],
    ]);
    expect(existsSync(join(folder, "good"))).toBe(true);
  });

  it("goes on with what an earlier process submitted", async () => {
    const tasks = [task("a", ""), task("b", "")];
    let looks = 0;
    const engine = engineOf(() => {});
    const earlier: Run = {
      async poll() {
        looks++;
        if (looks === 2) return undefined; // nobody answers
        if (looks === 3) for (const one of tasks) make(one);
        return looks < 3 ? { running: 2, waiting: 0 } : { running: 0, waiting: 0 };
      },
      change: async () => {},
      lastWords: async () => undefined,
    };
    const seen: (number | undefined)[] = [];
    await reconcile(tasks, { ...engine, attach: async () => earlier }, ({ running }) => seen.push(running));
    expect(engine.submitted).toEqual([]);
    expect(seen).toEqual([2, undefined, 0, 0]);
  });
});

describe("a cluster's scripts", () => {
  it("have an array for each group, after those it waits for, short tasks together", () => {
    const tasks = [
      task("m1", "", { group: "measure", after: ["t1", "t2"], seconds: 8 }),
      task("m2", "", { group: "measure", after: ["t1", "t2"], seconds: 8 }),
      task("m3", "", { group: "measure", after: ["t1", "t2"], seconds: 8 }),
      task("t1", "", { group: "train", seconds: 500 }),
      task("t2", "", { group: "train" }),
    ];
    const stages = stagesOf(tasks);
    expect(stages.map(({ group, after, bundles }) => [group, after, bundles])).toEqual([
      ["train", [], [["t1"], ["t2"]]],
      ["measure", ["train"], [["m1", "m2"], ["m3"]]],
    ]);
    const many = Array.from({ length: 1001 }, (_, i) => task(`p${i}`, "", { group: "pieces", after: ["t1"] }));
    const arrays = stagesOf([...many, task("t1", "", { group: "train" })]);
    expect(arrays.map(({ group, after, bundles }) => [group, after.length, bundles.length])).toEqual([
      ["train", 0, 1],
      ["pieces", 1, 1000],
      ["pieces", 1, 1],
    ]);
    const loop = [task("x", "", { group: "x", after: ["y"] }), task("y", "", { group: "y", after: ["x"] })];
    expect(() => stagesOf(loop)).toThrow("wait for each other");

    const job = { id: "j-1", path: "/w/runs/jobs/j-1", command: [], cwd: "/w/my work", begun: "", environment: {} };
    const script = scriptOf(job, 2, 1, stages[1], {
      runner: ["/usr/bin/node", "it's.js", "task"],
      partition: "gpu",
      gres: "gpu:1",
      maxTasks: 7,
      sbatch: ["--exclusive"],
      prologue: "module load nodejs",
      wrap: "apptainer exec image.sif",
    });
    expect(script.split("\n").slice(2)).toEqual([
      "#SBATCH --job-name=lw-j-1.2.1",
      "#SBATCH --array=0-1%7",
      "#SBATCH --output=/w/runs/jobs/j-1/submit-2/1-%a.log",
      "#SBATCH --open-mode=append",
      "#SBATCH --requeue",
      '#SBATCH --chdir="/w/my work"',
      "#SBATCH --cpus-per-task=1",
      "#SBATCH --partition=gpu",
      "#SBATCH --gres=gpu:1",
      "#SBATCH --exclusive",
      "module load nodejs",
      `exec apptainer exec image.sif /usr/bin/node 'it'\\''s.js' task /w/runs/jobs/j-1 2 1 "$SLURM_ARRAY_TASK_ID"`,
      "",
    ]);
  });
});
