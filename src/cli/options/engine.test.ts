import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { resolveEngine } from "../../jobs/index.ts";
import { chooseEngine } from "./engine.ts";
import { formatEnvironment } from "./engine-settings.ts";

const home = process.cwd();
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "layerwise-engine-"));
  process.chdir(folder);
});
afterEach(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true, force: true });
  for (const key of Object.keys(process.env)) if (key.startsWith("LAYERWISE_")) delete process.env[key];
});

const choose = (options: object) => chooseEngine({ opts: () => options });

describe("the engine", () => {
  it("is this machine; units that run side by side share its cores", async () => {
    const engine = await choose({ threads: 5 });
    const { name, cores, cpus } = resolveEngine(engine);
    expect([name, cores, cpus(2), cpus(9)]).toEqual(["local", 5, 2, 1]);
  });

  it("is a cluster if the command line, the environment or a file sets it, in that order", async () => {
    writeFileSync(
      "layerwise.yaml",
      "engine: slurm\npartition: file\nmem: 8G\ncpus_per_task: 4\nsbatch: [--comment=my run, --exclusive]\nprologue: module load nodejs\n",
    );
    process.env.LAYERWISE_PARTITION = "environment";
    process.env.LAYERWISE_MAX_UNITS = "7";
    const engine = await choose({ mem: "16G", plan: true });
    expect(engine).toMatchObject({
      name: "slurm",
      partition: "environment",
      mem: "16G",
      maxUnits: 7,
      sbatch: ["--comment=my run", "--exclusive"],
      prologue: "module load nodejs",
    });
    expect([resolveEngine(engine).cpus(1), resolveEngine(engine).cpus(50)]).toEqual([4, 4]);
    // for a process that attaches to the job later
    const later = formatEnvironment({ sbatch: ["--comment=my run", "--exclusive"] });
    Object.assign(process.env, later);
    rmSync("layerwise.yaml");
    expect(await choose({ engine: "slurm", plan: true })).toMatchObject({
      sbatch: ["--comment=my run", "--exclusive"],
    });

    expect((await choose({ engine: "local" })).name).toBe("local");
  });

  it("refuses invalid settings, and reports where they are", async () => {
    await expect(choose({ partition: "gpu" })).rejects.toThrow("--partition is for --engine slurm.");
    await expect(choose({ cpusPerTask: 2 })).rejects.toThrow("--cpus-per-task is for --engine slurm.");
    writeFileSync("layerwise.yaml", "nodes: 3\n");
    await expect(choose({})).rejects.toThrow("layerwise.yaml has an unknown setting nodes.");
    writeFileSync("layerwise.yaml", "max_units: many\n");
    await expect(choose({})).rejects.toThrow(
      'layerwise.yaml has an invalid value for max_units: "many". Give a positive integer.',
    );
    rmSync("layerwise.yaml");
    process.env.LAYERWISE_ENGINE = "cloud";
    await expect(choose({})).rejects.toThrow(
      'The environment has an invalid value for engine: "cloud". Use local or slurm.',
    );
    delete process.env.LAYERWISE_ENGINE;
    process.env.LAYERWISE_PIECE = "x";
    await expect(choose({})).rejects.toThrow('The environment has an invalid value for piece: "x".');
  });

  it("accepts the old name max_tasks everywhere, with a note", async () => {
    const notes: string[] = [];
    const spy = vi.spyOn(console, "error").mockImplementation((text) => notes.push(text));
    const slurm = { engine: "slurm", plan: true };
    try {
      writeFileSync("layerwise.yaml", "max_tasks: 3\n");
      expect(await choose(slurm)).toMatchObject({ maxUnits: 3 });
      process.env.LAYERWISE_MAX_TASKS = "4";
      expect(await choose(slurm)).toMatchObject({ maxUnits: 4 });
      expect(await choose({ ...slurm, maxTasks: 5 })).toMatchObject({ maxUnits: 5 });
      expect(await choose({ ...slurm, maxTasks: 5, maxUnits: 6 })).toMatchObject({ maxUnits: 6 });
    } finally {
      spy.mockRestore();
    }
    expect(notes.slice(0, 3)).toEqual([
      "Note: max_tasks in layerwise.yaml is renamed to max_units; the old name will be removed in the next version.",
      "Note: max_tasks in layerwise.yaml is renamed to max_units; the old name will be removed in the next version.",
      "Note: LAYERWISE_MAX_TASKS is renamed to LAYERWISE_MAX_UNITS; the old name will be removed in the next version.",
    ]);
    expect(notes.some((note) => note.includes("--max-tasks is renamed to --max-units"))).toBe(true);
  });
});
