// `npm run bench`: our training step and our scan against PyTorch's, in turns on the same cores, medians and their ratio.
// PyTorch at its best: OpenBLAS on one thread beside its own pool, and an allocator that keeps its memory; also as it is without that.
import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { describePython, findPython } from "../test/python.ts";
import { benchDistance } from "./distance.ts";
import { benchGrowth } from "./growth.ts";
import { benchJobs } from "./jobs.ts";
import { benchProcesses } from "./processes.ts";
import { benchProfile } from "./profile.ts";
import type { Spec } from "./work.ts";

const rounds = Number(process.env.ROUNDS ?? 3);
const threads = availableParallelism();
const tuned = { MALLOC_MMAP_MAX_: "0", MALLOC_TRIM_THRESHOLD_: "100000000000", MALLOC_TOP_PAD_: "268435456" };

interface Work {
  readonly title: string;
  readonly spec: Omit<Spec, "threads">;
}

const resnet = (kind: "step" | "scan", width: number, size: number, count: number): Work => ({
  title: `${kind}, ResNet18 of width ${width}, ${size}x${size}, ${kind === "step" ? "batch 64" : `${count} samples`}`,
  spec: { kind, network: "resnet18-nonorm", size, batch: kind === "step" ? 64 : 50, sizes: { width }, count },
});
const all: readonly Work[] = [
  resnet("step", 16, 16, 40),
  resnet("step", 16, 32, 24),
  resnet("step", 64, 32, 16),
  {
    title: "step, VGG11, 32x32, batch 64",
    spec: { kind: "step", network: "vgg11", size: 32, batch: 64, sizes: { width: 64, hidden: 4096 }, count: 24 },
  },
  {
    title: "step, GPT of 4 blocks, 128 wide, 128 characters, batch 16",
    spec: { kind: "step", network: "gpt", size: 128, batch: 16, sizes: { blocks: 4, dim: 128, heads: 4 }, count: 24 },
  },
  resnet("scan", 16, 32, 200),
  resnet("scan", 64, 32, 20),
];
const work = all.filter(({ title }) => title.includes(process.argv[2] ?? ""));

/** Times in milliseconds of one process. */
function time(command: string, args: string[], env: Record<string, string> = {}): number[] {
  const { stdout, stderr, status } = spawnSync(command, args, {
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr}`);
  return JSON.parse(stdout.trim().split("\n").at(-1)!).times;
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

const { python } = findPython("torch");
const opponents = python
  ? [
      { name: `PyTorch, ${threads} threads, tuned`, threads, env: { OPENBLAS_NUM_THREADS: "1", ...tuned } },
      { name: "PyTorch, 1 thread, tuned", threads: 1, env: { OPENBLAS_NUM_THREADS: "1", ...tuned } },
      { name: `PyTorch, ${threads} threads, as it is`, threads, env: { OPENBLAS_NUM_THREADS: "1" } },
    ]
  : [];
console.log(
  python
    ? `compared with ${describePython(python)}\n`
    : "No Python with torch was found (Debian: apt-get install python3-torch libopenblas0-pthread; LAYERWISE_PYTHON names another), so there is nothing to compare with.\n",
);

for (const { title, spec } of work) {
  const ours: number[] = [];
  const theirs = opponents.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    ours.push(...time(process.execPath, ["--import", "tsx", "bench/ours.ts", JSON.stringify({ ...spec, threads })]));
    opponents.forEach((o, i) => {
      theirs[i].push(...time(python!, ["bench/pytorch.py", JSON.stringify({ ...spec, threads: o.threads })], o.env));
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
if ("processes".includes(process.argv[2] ?? "")) await benchProcesses();
if (process.argv[2] === "profile") await benchProfile(all.filter(({ spec }) => spec.kind === "step"));
if (process.argv[2] === "growth") await benchGrowth(); // draws, so only when asked for
