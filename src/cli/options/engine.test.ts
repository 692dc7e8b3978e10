import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { resolveEngine } from "../../jobs/index.ts";
import { chooseEngine } from "./engine.ts";
import { environmentOf } from "./engine-settings.ts";

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
  it("is this machine, its cores shared by what runs side by side", async () => {
    const engine = await choose({ threads: 5 });
    const { name, cores, cpus } = resolveEngine(engine);
    expect([name, cores, cpus(2), cpus(9)]).toEqual(["local", 5, 2, 1]);
  });

  it("is a cluster by the command, the environment or a file, in that order", async () => {
    writeFileSync(
      "layerwise.yaml",
      "engine: slurm\npartition: file\nmem: 8G\ncpus_per_task: 4\nsbatch: [--comment=my run, --exclusive]\nprologue: module load nodejs\n",
    );
    process.env.LAYERWISE_PARTITION = "environment";
    process.env.LAYERWISE_MAX_TASKS = "7";
    const engine = await choose({ mem: "16G", plan: true });
    expect(engine).toMatchObject({
      name: "slurm",
      partition: "environment",
      mem: "16G",
      maxTasks: 7,
      sbatch: ["--comment=my run", "--exclusive"],
      prologue: "module load nodejs",
    });
    expect([resolveEngine(engine).cpus(1), resolveEngine(engine).cpus(50)]).toEqual([4, 4]);
    const later = environmentOf({ sbatch: ["--comment=my run", "--exclusive"] }); // for a process that looks after the job later
    Object.assign(process.env, later);
    rmSync("layerwise.yaml");
    expect(await choose({ engine: "slurm", plan: true })).toMatchObject({
      sbatch: ["--comment=my run", "--exclusive"],
    });

    expect((await choose({ engine: "local" })).name).toBe("local");
  });

  it("refuses what is wrong, and says where", async () => {
    await expect(choose({ partition: "gpu" })).rejects.toThrow("--partition is for --engine slurm.");
    await expect(choose({ cpusPerTask: 2 })).rejects.toThrow("--cpus-per-task is for --engine slurm.");
    writeFileSync("layerwise.yaml", "nodes: 3\n");
    await expect(choose({})).rejects.toThrow("layerwise.yaml has an unknown setting nodes.");
    writeFileSync("layerwise.yaml", "max_tasks: many\n");
    await expect(choose({})).rejects.toThrow('layerwise.yaml gives max_tasks a wrong value: "many".');
    rmSync("layerwise.yaml");
    process.env.LAYERWISE_ENGINE = "cloud";
    await expect(choose({})).rejects.toThrow('The environment gives engine a wrong value: "cloud".');
    delete process.env.LAYERWISE_ENGINE;
    process.env.LAYERWISE_PIECE = "x";
    await expect(choose({})).rejects.toThrow('The environment gives piece a wrong value: "x".');
  });
});
