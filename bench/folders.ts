// `npm run bench -- folders`, or a word of one row's title: two Hugging Face folders, every block on base a, against the loop that people write with
// transformers (large/loops.py), in turns. The folders are made once in LARGE (default: .cache/large; large/folders.py). The pair of 7 billion
// parameters takes 27 GB and has nothing to be compared with: the loop needs 56 GB of memory.
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { compare, layerwise, loop, timeReading } from "./compare.ts";
import { noPython, python, pytorchName, tuned } from "./python.ts";
import { run } from "./watch.ts";

const folder = resolve(process.env.LARGE ?? ".cache/large");

const rows = [
  { title: "folders: gpt2, every block on base a, 8 windows of 256 tokens", shape: "gpt2", samples: 8 },
  { title: "folders: smollm2-135m, every block on base a, 8 windows of 256 tokens", shape: "smollm2-135m", samples: 8 },
  {
    title: "folders: llama-7b in bfloat16, every block on base a, one window of 256 tokens, --memory 4GB",
    shape: "llama-7b",
    samples: 1,
    more: ["--memory", "4GB"],
  },
];

const measure = (path: string, samples: number, more: readonly string[]) => (out: string) =>
  layerwise(
    ...["measure", join(path, "a"), join(path, "b"), "--data", join(path, "text.txt")],
    ...["--context", "256", "--samples", String(samples), "--scan", "single", "--group", "block", "--base", "a"],
    ...["--metric", "loss", "--out", out, ...more],
  );

/** The loop's ways: attention as it is written or fused, on one thread or two. */
function loops(path: string, samples: number) {
  const ways = [2, 1].flatMap((threads) => ["sdpa", "eager"].map((attention) => ({ threads, attention })));
  return ways.map(({ threads, attention }) => ({
    name: `${pytorchName}, ${attention}, ${threads} threads, tuned`,
    work: () => loop(["blocks", path, String(samples), attention, String(threads)], tuned),
  }));
}

async function prepare(path: string, shape: string): Promise<void> {
  if (!existsSync(join(path, "text.txt"))) {
    console.log(`  making ${path}`);
    mkdirSync(path, { recursive: true });
    await run(python!, ["bench/large/folders.py", shape, path]);
  }
  const files = ["a", "b"].flatMap((end) => readdirSync(join(path, end)).map((file) => join(path, end, file)));
  console.log(`  reading the files: ${(await timeReading(files)).toFixed(1)} s`);
}

export async function benchFolders(word: string): Promise<void> {
  for (const { title, shape, samples, more } of rows.filter((row) => row.title.includes(word))) {
    console.log(title);
    if (!python) {
      console.log(`  not measured: ${noPython}.`);
      continue;
    }
    try {
      const path = join(folder, shape);
      await prepare(path, shape);
      await compare(measure(path, samples, more ?? []), more ? [] : loops(path, samples));
    } catch (error) {
      console.log(`  fails: ${(error as Error).message}`);
      process.exitCode = 1;
    }
  }
}
