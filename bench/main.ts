// `npm run bench`: layerwise's training step and scan compared with PyTorch's, in turns on the same cores; medians and
// their ratio. PyTorch runs tuned (python.ts) and untuned.
import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { benchDistance } from "./distance.ts";
import { benchFolders } from "./folders.ts";
import { benchGrowth } from "./growth.ts";
import { benchJobs } from "./jobs.ts";
import { benchLarge } from "./large.ts";
import { benchProcesses } from "./processes.ts";
import { benchProfile } from "./profile.ts";
import { noPython, python, pytorchName, tuned } from "./python.ts";
import type { Spec } from "./work.ts";

const rounds = Number(process.env.ROUNDS ?? 3);
const threads = availableParallelism();

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

/** Times of one process, in milliseconds. */
function time(command: string, args: string[], env: Record<string, string> = {}): number[] {
  const { stdout, stderr, status } = spawnSync(command, args, {
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr}`);
  return JSON.parse(stdout.trim().split("\n").at(-1)!).times;
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

const others = python
  ? [
      { name: `${pytorchName}, ${threads} threads, tuned`, threads, env: tuned },
      { name: `${pytorchName}, 1 thread, tuned`, threads: 1, env: tuned },
      { name: `${pytorchName}, ${threads} threads, untuned`, threads, env: { OPENBLAS_NUM_THREADS: "1" } },
    ]
  : [];
console.log(python ? `Compared with ${pytorchName} (${python}).\n` : `Nothing to compare with: ${noPython}.\n`);

for (const { title, spec } of work) {
  const ours: number[] = [];
  const theirs = others.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    ours.push(...time(process.execPath, ["--import", "tsx", "bench/ours.ts", JSON.stringify({ ...spec, threads })]));
    others.forEach((o, i) => {
      theirs[i].push(...time(python!, ["bench/pytorch.py", JSON.stringify({ ...spec, threads: o.threads })], o.env));
    });
  }
  console.log(`${title}\n  layerwise ${median(ours).toFixed(1)} ms (least ${Math.min(...ours).toFixed(1)})`);
  others.forEach((o, i) => {
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
if (process.argv[2] === "growth") await benchGrowth(); // changes pictures, so only on request
if (process.argv[2] !== undefined) {
  await benchLarge(process.argv[2]); // makes and reads gigabytes
  await benchFolders(process.argv[2]);
}
