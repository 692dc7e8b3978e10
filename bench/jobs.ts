// `npm run bench jobs`: 200 small units, bare (two processes at a time), with the local engine, and with a Slurm
// cluster of three nodes on this machine if it can be started. An engine's cost is the difference from the bare work.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { jobPath, LocalEngine, reconcile, SlurmEngine, type Unit, writeJob } from "../src/jobs/index.ts";
import { Cluster, cli, noCluster } from "../test/cluster/cluster.ts";

const count = Number(process.env.UNITS ?? 200);
const cores = availableParallelism();
/** A tenth of a second of work, and a file. */
const code =
  "const end = Date.now() + 100; while (Date.now() < end); require('node:fs').writeFileSync(process.argv[1], '')";

async function timed(what: string, bare: number | undefined, work: (folder: string) => Promise<void>): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "layerwise-bench-"));
  const start = performance.now();
  await work(folder);
  const seconds = (performance.now() - start) / 1000;
  for (let i = 0; i < count; i++)
    if (!existsSync(join(folder, String(i)))) throw new Error(`${what}: unit ${i} is not done`);
  rmSync(folder, { recursive: true, force: true });
  const more = bare === undefined ? "" : `, ${(seconds / bare).toFixed(2)} times the plain processes`;
  console.log(`  ${what} ${seconds.toFixed(1)} s${more}`);
  return seconds;
}

const unitsIn = (folder: string): Unit[] =>
  Array.from({ length: count }, (_, i) => {
    const result = join(folder, String(i));
    return {
      key: String(i),
      argv: [process.execPath, "-e", code, result],
      result,
      cpus: 1,
      group: "all",
      seconds: 0.2,
    };
  });

export async function benchJobs(): Promise<void> {
  console.log(`${count} units of a tenth of a second, ${cores} cores`);
  const bare = await timed("bare:", undefined, async (folder) => {
    const names = Array.from({ length: count }, (_, i) => join(folder, String(i))).join("\n");
    execFileSync("xargs", ["-P", String(cores), "-n", "1", process.execPath, "-e", code], { input: names });
  });
  await timed("engine local:", bare, (folder) => reconcile(unitsIn(folder), new LocalEngine({ cpus: cores })));
  if (noCluster) return console.log(`  engine slurm: not measured, ${noCluster}`);
  const cluster = new Cluster();
  cluster.start();
  try {
    await timed("engine slurm:", bare, async (folder) => {
      const job = {
        id: "bench",
        path: jobPath(folder, "bench"),
        command: [],
        cwd: folder,
        started: "",
        environment: {},
      };
      const units = unitsIn(folder);
      await writeJob(job, units);
      const options = { runner: [process.execPath, cli, "unit"], pollMs: 500, maxUnits: cores };
      await reconcile(units, new SlurmEngine(job, options));
    });
  } finally {
    cluster.stop();
  }
}
