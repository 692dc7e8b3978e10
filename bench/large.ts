// `npm run bench -- large`, or a word of one row's title: large networks, the commands against the loop that people write in PyTorch (large/loops.py),
// in turns. The inputs are made once in LARGE (default: .cache/large, 9 GB; large/inputs.py) and read before the first round, so they are in the page
// cache if they fit. Time is that of the whole command, memory the largest resident size of all its processes together.
import { spawnSync } from "node:child_process";
import { createReadStream, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { noPython, python, pytorchName, tuned } from "./python.ts";
import { type Outcome, run } from "./watch.ts";

const folder = resolve(process.env.LARGE ?? ".cache/large");
const rounds = Number(process.env.ROUNDS ?? 3);
const cli = resolve("dist/cli/main.js");

type Work = (out: string) => Promise<Outcome>;

interface Pair {
  readonly network: string;
  readonly ends: "pt" | "safetensors";
  readonly graph: readonly string[];
}

const vit: Pair = { network: "vit_b_16", ends: "pt", graph: ["graph.onnx"] };
const resnet: Pair = { network: "resnet50", ends: "pt", graph: ["graph.onnx"] };
const llama: Pair = { network: "llama-1b", ends: "safetensors", graph: ["graph.onnx", "graph.onnx.data"] };

const at = ({ network }: Pair, file: string) => join(folder, network, file);
const endsOf = (pair: Pair) => ["a", "b"].map((end) => at(pair, `${end}.${pair.ends}`));

const layerwise = (...args: string[]) => run(process.execPath, [cli, ...args, "--quiet"]);
const measure = (pair: Pair, ...more: string[]) =>
  layerwise(
    "measure",
    ...endsOf(pair),
    "--model",
    at(pair, "graph.onnx"),
    "--data",
    `npz:${at(pair, "data.npz")}`,
    ...more,
  );
const loop = (args: readonly string[], threads: number, env = {}) =>
  run(python!, ["bench/large/loops.py", ...args, String(threads)], env);

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** Makes the pair if it is not there. Returns the seconds that reading its files takes once they are in the page cache. */
async function prepare(pair: Pair): Promise<number> {
  if (!existsSync(at(pair, "data.npz"))) {
    console.log(`  making ${at(pair, "")}`);
    mkdirSync(at(pair, ""), { recursive: true });
    await run(python!, ["bench/large/inputs.py", pair.network, at(pair, "")]);
  }
  const read = async () => {
    const start = performance.now();
    for (const path of [...endsOf(pair), ...pair.graph.map((file) => at(pair, file))])
      for await (const chunk of createReadStream(path, { highWaterMark: 1 << 22 })) void chunk;
    return (performance.now() - start) / 1000;
  };
  await read();
  return read();
}

const describe = ({ seconds, cpuSeconds, memoryMb }: Outcome) =>
  `${seconds.toFixed(1)} s (processor ${cpuSeconds.toFixed(1)} s), ${memoryMb.toFixed(0)} MB`;

/** Ours and each way of PyTorch's loop in turns: the least and the median time, the most memory. */
async function compare(ours: Work, args: (out: string) => readonly string[]): Promise<void> {
  const ways: { name: string; work: Work }[] = [
    { name: "layerwise", work: ours },
    { name: `${pytorchName}, 2 threads, tuned`, work: (out) => loop(args(out), 2, tuned) },
    { name: `${pytorchName}, 1 thread, tuned`, work: (out) => loop(args(out), 1, tuned) },
    { name: `${pytorchName}, 2 threads, as it is`, work: (out) => loop(args(out), 2) },
  ];
  const outcomes = ways.map((): Outcome[] => []);
  const failures = new Map<number, string>();
  for (let round = 0; round < rounds; round++)
    for (const [i, { name, work }] of ways.entries()) {
      if (failures.has(i)) continue;
      await inFolder(work).then(
        (outcome) => {
          outcomes[i].push(outcome);
          console.log(`  round ${round + 1}, ${name}: ${describe(outcome)}`);
        },
        (error: Error) => failures.set(i, error.message),
      );
    }
  const [own, ...others] = outcomes.map((some) => {
    const seconds = some.map((one) => one.seconds);
    const cpuSeconds = Math.min(...some.map((one) => one.cpuSeconds));
    const memoryMb = Math.max(...some.map((one) => one.memoryMb));
    return { least: Math.min(...seconds), median: median(seconds), cpuSeconds, memoryMb };
  });
  for (const [i, one] of [own, ...others].entries()) {
    if (failures.has(i)) console.log(`  ${ways[i].name}: ${failures.get(i)}`);
    else if (rounds > 1)
      console.log(
        `  ${ways[i].name}: median ${one.median.toFixed(1)} s, least ${describe({ ...one, seconds: one.least })}`,
      );
    if (i === 0 || failures.has(0) || failures.has(i)) continue;
    const [least, middle, memory] = [one.least / own.least, one.median / own.median, own.memoryMb / one.memoryMb];
    console.log(
      `  layerwise is ${least.toFixed(2)} times as fast as ${ways[i].name} (medians ${middle.toFixed(2)}), with ${memory.toFixed(2)} times the memory`,
    );
  }
  if (failures.size) process.exitCode = 1;
}

async function inFolder(work: Work): Promise<Outcome> {
  const out = mkdtempSync(join(tmpdir(), "layerwise-bench-"));
  try {
    return await work(join(out, "out"));
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

const singles = (pair: Pair, samples: number, ...more: string[]) =>
  compare(
    (out) => measure(pair, "--samples", String(samples), "--scan", "single", "--base", "a", "--out", out, ...more),
    () => ["single", pair.network, join(folder, pair.network), String(samples)],
  );

/**
 * From the start of a process to the first evaluated mix: the time until three mixes are evaluated on one image (large/start.mjs), less reading the files
 * once, less two of the three evaluations. The same with five images shows what an evaluation takes.
 */
async function benchStart(reading: number): Promise<void> {
  const time = (samples: number): number => {
    const args = ["bench/large/start.mjs", join(folder, vit.network), String(samples)];
    const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
    return (JSON.parse(stdout) as { seconds: number }).seconds;
  };
  const [one, five]: number[][] = [[], []];
  for (let round = 0; round < rounds; round++) {
    one.push(time(1));
    five.push(time(5));
  }
  for (const [name, of] of [
    ["least", (values: number[]) => Math.min(...values)],
    ["median", median],
  ] as const) {
    const evaluation = Math.max(0, (of(five) - of(one)) / 4 / 3);
    const start = of(one) - reading - 2 * evaluation;
    console.log(
      `  ${name}: ${start.toFixed(1)} s beyond reading the files (all three ${of(one).toFixed(1)} s, one evaluation ${evaluation.toFixed(2)} s)`,
    );
  }
}

const rows: { title: string; pair: Pair; work: (reading: number) => Promise<void> }[] = [
  { title: "large: vit_b_16, every layer on base a, 4 images", pair: vit, work: () => singles(vit, 4) },
  { title: "large: resnet50, every layer on base a, 4 images", pair: resnet, work: () => singles(resnet, 4) },
  { title: "large: start to the first evaluated mix, vit_b_16", pair: vit, work: benchStart },
  {
    title: "large: merge of two files of 346 MB",
    pair: vit,
    work: () =>
      compare(
        (out) => layerwise("merge", ...endsOf(vit), "--out", `${out}.pt`),
        (out) => ["merge", join(folder, vit.network), `${out}.pt`],
      ),
  },
  {
    title: "large: llama-1b in bfloat16, every block on base a, one window of 256 tokens",
    pair: llama,
    work: () => singles(llama, 1, "--group", "block"),
  },
];

export async function benchLarge(word: string): Promise<void> {
  for (const { title, pair, work } of rows.filter((row) => row.title.includes(word))) {
    console.log(title);
    if (!python) {
      console.log(`  not measured: ${noPython}.`);
      continue;
    }
    try {
      const reading = await prepare(pair);
      console.log(`  reading the files: ${reading.toFixed(1)} s`);
      await work(reading);
    } catch (error) {
      console.log(`  fails: ${(error as Error).message}`);
      process.exitCode = 1;
    }
  }
}
