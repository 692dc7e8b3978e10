// `npm run bench growth`: how cost grows, drawn into docs/pictures/growth-*.svg: a scan's time by samples, width and
// layers, and a training step's time by batch. Each picture also has the straight line through the first point.
import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { writeAtomic } from "../src/core/index.ts";
import { chartSvg } from "../src/report/pictures/curves.ts";

const threads = availableParallelism();

/** The least time of the runs of a process, in seconds. */
function time(spec: object): number {
  const args = ["--import", "tsx", "bench/ours.ts", JSON.stringify({ threads, ...spec })];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return Math.min(...(JSON.parse(stdout.trim().split("\n").at(-1)!) as { times: number[] }).times) / 1000;
}

const resnet = { network: "resnet18-nonorm", size: 32, batch: 50, sizes: { width: 16 } };
const mlp = (depth: number) => ({ network: "mlp", size: 32, batch: 50, sizes: { hidden: 256, depth } });

const series = [
  {
    name: "samples",
    title: "A scan's seconds, by samples",
    at: [50, 100, 200, 400, 800],
    spec: (count: number) => ({ kind: "scan", ...resnet, count }),
  },
  {
    name: "width",
    title: "A scan's seconds, by width",
    at: [8, 16, 32, 64],
    spec: (width: number) => ({ kind: "scan", ...resnet, sizes: { width }, count: 50 }),
  },
  {
    name: "layers",
    title: "A scan's seconds, by layers (multilayer perceptron)",
    at: [4, 8, 16, 32, 48],
    spec: (depth: number) => ({ kind: "scan", ...mlp(depth), count: 400 }),
  },
  {
    name: "batch",
    title: "A training step's seconds, by batch",
    at: [16, 32, 64, 128, 256],
    spec: (batch: number) => ({ kind: "step", ...resnet, batch, count: 8 }),
  },
];

export async function benchGrowth(): Promise<void> {
  for (const { name, title, at, spec } of series) {
    const points = at.map((x) => ({ x, y: time(spec(x)) }));
    const straight = at.map((x) => ({ x, y: (points[0].y * x) / at[0] }));
    const lines = [
      { name: "measured", points },
      { name: "in proportion to the first", points: straight, isDashed: true },
    ];
    await writeAtomic(`docs/pictures/growth-${name}.svg`, chartSvg({ title, lines, x: name, zero: true }));
    console.log(`${title}: ${points.map(({ x, y }) => `${x}: ${y.toFixed(3)}`).join(", ")}`);
  }
}
