import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { planStages } from "./bundles.ts";
import type { Engine, Submission } from "./engine.ts";
import { LocalEngine } from "./local.ts";
import { reconcile } from "./reconcile.ts";
import { formatScript } from "./slurm.ts";
import { findDependants, findMissing, type Unit } from "./unit.ts";

const root = mkdtempSync(join(tmpdir(), "layerwise-jobs-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(root, "x"));
});

/** A unit that runs a line of JavaScript. `done()` writes its result; `log(…)` appends a line to a shared journal. */
function unit(key: string, line: string, more: Partial<Unit> = {}): Unit {
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
  const run = (units: readonly Unit[], cpus = 2, memoryMb?: number) =>
    reconcile(units, new LocalEngine({ cpus, memoryMb }));

  it("runs units side by side, each after its dependencies", async () => {
    await run([
      unit("a", span("a", 400)),
      unit("b", span("b", 400)),
      unit("c", span("c"), { after: ["a", "elsewhere"] }),
    ]);
    const lines = journal();
    expect(lines.slice(0, 2).sort()).toEqual(["+a", "+b"]);
    expect(lines.indexOf("+c")).toBeGreaterThan(lines.indexOf("-a"));
  });

  it("stays within the cores and the memory, and runs a unit that needs more on its own", async () => {
    await run([unit("a", span("a")), unit("b", span("b"), { cpus: 8 }), unit("c", span("c", 400))]);
    const lines = journal(); // c may run while a runs; b runs on its own
    expect(lines.indexOf("-b") - lines.indexOf("+b")).toBe(1);
    rmSync(join(folder, "journal"));
    for (const key of ["a", "b"]) rmSync(join(folder, key));
    await run([unit("a", span("a"), { memoryMb: 60 }), unit("b", span("b"), { memoryMb: 60 })], 2, 100);
    expect(journal()).toEqual(["+a", "-a", "+b", "-b"]);
  });

  it("skips units that are done", async () => {
    writeFileSync(join(folder, "a"), "");
    await run([unit("a", span("a")), unit("b", span("b"))]);
    expect(journal()).toEqual(["+b", "-b"]);
  });

  it("reports a failure with the unit's last line of output, kills the others and starts nothing new", async () => {
    const units = [
      unit("a", `setTimeout(() => { console.error("it broke"); process.exit(1); }, 200)`),
      unit("b", span("b", 20_000)),
      unit("c", span("c"), { after: ["a"] }),
    ];
    await expect(run(units)).rejects.toThrow("it broke");
    expect(journal()).toEqual(["+b"]);
    await expect(run([unit("d", "process.exit(0)")])).rejects.toThrow("exited with status 0");
    await expect(run([unit("e", `process.kill(process.pid, "SIGKILL")`)])).rejects.toThrow("SIGKILL");
    await expect(run([{ ...unit("f", ""), argv: ["/no/such/command"] }])).rejects.toThrow("ENOENT");
  });

  it("refuses units that wait for each other", async () => {
    const units = [unit("a", "done()", { after: ["b"] }), unit("b", "done()", { after: ["a"] })];
    await expect(run(units)).rejects.toThrow("wait for each other");
  });

  it("receives messages from units", async () => {
    const received: unknown[] = [];
    const engine = new LocalEngine({ cpus: 1, onMessage: (key, message) => received.push([key, message]) });
    await reconcile([unit("a", `process.send({ progress: 1 }, () => { done(); process.exit(0); })`)], engine);
    expect(received).toEqual([["a", { progress: 1 }]]);
  });
});

describe("missing units", () => {
  it("have no result and are still needed", () => {
    const units = [unit("a", ""), unit("b", "", { after: ["a"] }), unit("c", "", { after: ["b"] })];
    expect(findMissing(units).map(({ key }) => key)).toEqual(["a", "b", "c"]);
    writeFileSync(join(folder, "b"), "");
    expect(findMissing(units).map(({ key }) => key)).toEqual(["c"]); // no unit needs a any more
    expect([...findDependants(new Set(["a"]), units)]).toEqual(["b", "c"]);
  });
});

describe("reconcile", () => {
  /** An engine that passes each submission to `attempt`, which runs at once. */
  const engineOf = (attempt: (units: readonly Unit[], number: number) => void): Engine & { submitted: string[][] } => {
    const submitted: string[][] = [];
    const submission: Submission = {
      poll: async () => ({ running: 0, waiting: 0 }),
      change: async () => {},
      readFailure: async (key) => ({ text: `${key} says no`, log: `${key}.log` }),
    };
    return {
      submitted,
      tries: 3,
      attach: async () => undefined,
      async submit(units) {
        submitted.push(units.map(({ key }) => key));
        attempt(units, submitted.length);
        return submission;
      },
    };
  };
  const make = ({ result }: Unit) => writeFileSync(result, "");

  it("submits only missing units again, whatever the engine reports", async () => {
    const units = [unit("a", ""), unit("b", ""), unit("c", "", { after: ["b"] })];
    const engine = engineOf((some, number) => {
      make(some[0]);
      if (number === 2) for (const one of some) make(one);
    });
    await reconcile(units, engine);
    expect(engine.submitted).toEqual([
      ["a", "b", "c"],
      ["b", "c"],
    ]);
  });

  it("gives up on a unit after three tries, runs all others, and never starts dependent units", async () => {
    const units = [unit("bad", ""), unit("child", "", { after: ["bad"] }), unit("good", "")];
    const engine = engineOf((some) => {
      for (const one of some) if (one.key === "good") make(one);
    });
    await expect(reconcile(units, engine)).rejects.toThrow(
      "1 of 3 units failed 3 times; 1 dependent unit did not start. bad: bad says no (bad.log). Fix the cause, then rerun",
    );
    expect(engine.submitted).toEqual([
      ["bad", "child", "good"],
      ["bad", "child"],
      ["bad", "child"],
    ]);
    expect(existsSync(join(folder, "good"))).toBe(true);
  });

  it("resumes the submission of an earlier process", async () => {
    const units = [unit("a", ""), unit("b", "")];
    let looks = 0;
    const engine = engineOf(() => {});
    const earlier: Submission = {
      async poll() {
        looks++;
        if (looks === 2) return undefined; // Slurm does not answer
        if (looks === 3) for (const one of units) make(one);
        return looks < 3 ? { running: 2, waiting: 0 } : { running: 0, waiting: 0 };
      },
      change: async () => {},
      readFailure: async () => undefined,
    };
    const seen: (number | undefined)[] = [];
    await reconcile(units, { ...engine, attach: async () => earlier }, ({ running }) => seen.push(running));
    expect(engine.submitted).toEqual([]);
    expect(seen).toEqual([2, undefined, 0, 0]);
  });
});

describe("batch scripts", () => {
  it("have an array for each group, after its dependencies, with short units in one process", () => {
    const units = [
      unit("m1", "", { group: "measure", after: ["t1", "t2"], seconds: 8 }),
      unit("m2", "", { group: "measure", after: ["t1", "t2"], seconds: 8 }),
      unit("m3", "", { group: "measure", after: ["t1", "t2"], seconds: 8 }),
      unit("t1", "", { group: "train", seconds: 500 }),
      unit("t2", "", { group: "train" }),
    ];
    const stages = planStages(units);
    expect(stages.map(({ group, after, bundles }) => [group, after, bundles])).toEqual([
      ["train", [], [["t1"], ["t2"]]],
      ["measure", ["train"], [["m1", "m2"], ["m3"]]],
    ]);
    const many = Array.from({ length: 1001 }, (_, i) => unit(`p${i}`, "", { group: "pieces", after: ["t1"] }));
    const arrays = planStages([...many, unit("t1", "", { group: "train" })]);
    expect(arrays.map(({ group, after, bundles }) => [group, after.length, bundles.length])).toEqual([
      ["train", 0, 1],
      ["pieces", 1, 1000],
      ["pieces", 1, 1],
    ]);
    const loop = [unit("x", "", { group: "x", after: ["y"] }), unit("y", "", { group: "y", after: ["x"] })];
    expect(() => planStages(loop)).toThrow("wait for each other");

    const job = { id: "j-1", path: "/w/runs/jobs/j-1", command: [], cwd: "/w/my work", started: "", environment: {} };
    const script = formatScript(job, 2, 1, stages[1], {
      runner: ["/usr/bin/node", "it's.js", "unit"],
      partition: "gpu",
      gres: "gpu:1",
      maxUnits: 7,
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
      `exec apptainer exec image.sif /usr/bin/node 'it'\\''s.js' unit /w/runs/jobs/j-1 2 1 "$SLURM_ARRAY_TASK_ID"`,
      "",
    ]);
  });
});
