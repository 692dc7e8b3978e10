// `npm run bench -- large`, or a word from a row's title: large networks, the commands compared in turns with the usual
// loop in PyTorch (large/loops.py). The inputs are made once in LARGE (default .cache/large, 9 GB; large/inputs.py) and
// read before the first round, so they are in the page cache if they fit. Time is for the whole command; memory is the
// peak resident size of all its processes together.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { compare, layerwise, loop, median, rounds, timeReading } from "./compare.ts";
import { noPython, python, pytorchName, tuned } from "./python.ts";
import { run } from "./watch.ts";

const folder = resolve(process.env.LARGE ?? ".cache/large");

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
/** The loop with a state dict of each end. */
const loops = (args: (out: string) => readonly string[]) => [
  { name: `${pytorchName}, 2 threads, tuned`, work: (out: string) => loop([...args(out), "2"], tuned) },
  { name: `${pytorchName}, 1 thread, tuned`, work: (out: string) => loop([...args(out), "1"], tuned) },
  { name: `${pytorchName}, 2 threads, untuned`, work: (out: string) => loop([...args(out), "2"]) },
];

/** Makes the pair if it does not exist. Returns the seconds that reading its files takes from the page cache. */
async function prepare(pair: Pair): Promise<number> {
  if (!existsSync(at(pair, "data.npz"))) {
    console.log(`  making ${at(pair, "")}`);
    mkdirSync(at(pair, ""), { recursive: true });
    await run(python!, ["bench/large/inputs.py", pair.network, at(pair, "")]);
  }
  return timeReading([...endsOf(pair), ...pair.graph.map((file) => at(pair, file))]);
}

const singles = (pair: Pair, samples: number, ...more: string[]) =>
  compare(
    (out) => measure(pair, "--samples", String(samples), "--scan", "single", "--base", "a", "--out", out, ...more),
    loops(() => ["single", pair.network, join(folder, pair.network), String(samples)]),
  );

/**
 * From the start of a process to the first evaluated mix: the time until three mixes are evaluated on one image
 * (large/start.mjs), minus reading the files once, minus two of the three evaluations. A run with five images gives the
 * time of an evaluation.
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
        loops((out) => ["merge", join(folder, vit.network), `${out}.pt`]),
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
