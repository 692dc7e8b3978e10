// `npm run bench`: our training step and our scan against PyTorch's, in turns on the same cores, medians and their ratio.
// PyTorch at its best: OpenBLAS on one thread beside its own pool, and an allocator that keeps its memory; also as it is without that.
import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { python } from "../test/torch.ts";
import { benchDistance } from "./distance.ts";
import { benchJobs } from "./jobs.ts";

const rounds = Number(process.env.ROUNDS ?? 3);
const threads = availableParallelism();
const tuned = { MALLOC_MMAP_MAX_: "0", MALLOC_TRIM_THRESHOLD_: "100000000000", MALLOC_TOP_PAD_: "268435456" };

const work = [
  { title: "step, width 16, 16x16, batch 64", args: ["step", 16, 16], count: 20 },
  { title: "step, width 16, 32x32, batch 64", args: ["step", 16, 32], count: 20 },
  { title: "step, width 64, 32x32, batch 64", args: ["step", 64, 32], count: 6 },
  { title: "scan, width 16, 32x32, 200 samples", args: ["scan", 16, 32], count: 200 },
  { title: "scan, width 64, 32x32, 20 samples", args: ["scan", 64, 32], count: 20 },
].filter(({ title }) => title.includes(process.argv[2] ?? ""));

/** Times in milliseconds of one process. */
function time(command: string, args: (string | number)[], env: Record<string, string> = {}): number[] {
  const { stdout, stderr, status } = spawnSync(command, args.map(String), {
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr}`);
  return JSON.parse(stdout.trim().split("\n").at(-1)!).times;
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

const opponents = python
  ? [
      { name: `PyTorch, ${threads} threads, tuned`, threads, env: { OPENBLAS_NUM_THREADS: "1", ...tuned } },
      { name: "PyTorch, 1 thread, tuned", threads: 1, env: { OPENBLAS_NUM_THREADS: "1", ...tuned } },
      { name: `PyTorch, ${threads} threads, as it is`, threads, env: { OPENBLAS_NUM_THREADS: "1" } },
    ]
  : [];
if (!python)
  console.log(
    "PyTorch is not here (Debian: apt-get install python3-torch libopenblas0-pthread), so there is nothing to compare with.\n",
  );

for (const { title, args, count } of work) {
  const ours: number[] = [];
  const theirs = opponents.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    ours.push(...time(process.execPath, ["--import", "tsx", "bench/ours.ts", ...args, threads, count]));
    opponents.forEach((o, i) => {
      theirs[i].push(...time(python!, ["bench/pytorch.py", ...args, o.threads, count], o.env));
    });
  }
  console.log(`${title}\n  layerwise ${median(ours).toFixed(1)} ms (least ${Math.min(...ours).toFixed(1)})`);
  opponents.forEach((o, i) => {
    const ratio = median(theirs[i]) / median(ours);
    console.log(
      `  ${o.name} ${median(theirs[i]).toFixed(1)} ms (least ${Math.min(...theirs[i]).toFixed(1)}): layerwise is ${ratio.toFixed(2)} times as fast`,
    );
  });
}

if ("distance".includes(process.argv[2] ?? "")) await benchDistance();
if ("jobs".includes(process.argv[2] ?? "")) await benchJobs();
