// `npm run bench -- folders`, or a word from a row's title: two Hugging Face folders, every block on base a, compared
// in turns with the usual loop in transformers (large/loops.py). The folders are made once in LARGE (default
// .cache/large; large/folders.py). The pair of 7 billion parameters takes 27 GB and is not compared: the loop needs 56
// GB of memory.
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { compare, layerwise, loop, timeReading } from "./compare.ts";
import { noPython, python, pytorchName, tuned } from "./python.ts";
import { run } from "./watch.ts";

const folder = resolve(process.env.LARGE ?? ".cache/large");

interface Row {
  readonly title: string;
  readonly shape: string;
  readonly data: "text.txt" | "data.npz";
  readonly samples: number;
  readonly more?: readonly string[];
  /** The loop's implementations of attention; empty where there is no loop. */
  readonly attention: readonly ("sdpa" | "eager")[];
}

const rows: readonly Row[] = [
  {
    title: "folders: gpt2, every block on base a, 8 windows of 256 tokens",
    shape: "gpt2",
    data: "text.txt",
    samples: 8,
    more: ["--context", "256", "--layers", "transformer.h.*"],
    attention: ["sdpa", "eager"],
  },
  {
    title: "folders: smollm2-135m, every block on base a, 8 windows of 256 tokens",
    shape: "smollm2-135m",
    data: "text.txt",
    samples: 8,
    more: ["--context", "256", "--layers", "model.layers.*"],
    attention: ["sdpa", "eager"],
  },
  {
    title: "folders: vit-b16, every block on base a, 16 images",
    shape: "vit-b16",
    data: "data.npz",
    samples: 16,
    attention: ["sdpa", "eager"],
  },
  {
    title: "folders: resnet-50, every block on base a, 16 images",
    shape: "resnet-50",
    data: "data.npz",
    samples: 16,
    attention: ["eager"],
  },
  {
    title: "folders: llama-7b in bfloat16, every block on base a, one window of 256 tokens, --memory 4GB",
    shape: "llama-7b",
    data: "text.txt",
    samples: 1,
    more: ["--context", "256", "--layers", "model.layers.*", "--memory", "4GB"],
    attention: [],
  },
];

function measure({ shape, data, samples, more = [] }: Row) {
  const at = (file: string) => join(folder, shape, file);
  return (out: string) =>
    layerwise(
      ...["measure", at("a"), at("b"), "--data", data.endsWith(".npz") ? `npz:${at(data)}` : at(data)],
      ...["--samples", String(samples), "--scan", "single", "--group", "block", "--base", "a"],
      ...["--metric", "loss", "--out", out, ...more],
    );
}

/** The loop with each implementation of attention, on one thread or two. */
function loops({ shape, samples, attention }: Row) {
  return [2, 1].flatMap((threads) =>
    attention.map((how) => ({
      name: `${pytorchName}, ${how}, ${threads} threads, tuned`,
      work: () => loop(["blocks", join(folder, shape), String(samples), how, String(threads)], tuned),
    })),
  );
}

async function prepare({ shape, data, attention }: Row): Promise<void> {
  const path = join(folder, shape);
  if (!existsSync(join(path, data))) {
    console.log(`  making ${path}`);
    mkdirSync(path, { recursive: true });
    await run(python!, ["bench/large/folders.py", shape, path]);
  }
  if (attention.length === 0) return; // larger than the page cache
  const files = ["a", "b"].flatMap((end) => readdirSync(join(path, end)).map((file) => join(path, end, file)));
  console.log(`  reading the files: ${(await timeReading(files)).toFixed(1)} s`);
}

export async function benchFolders(word: string): Promise<void> {
  for (const row of rows.filter(({ title }) => title.includes(word))) {
    console.log(row.title);
    if (!python) {
      console.log(`  not measured: ${noPython}.`);
      continue;
    }
    try {
      await prepare(row);
      await compare(measure(row), loops(row));
    } catch (error) {
      console.log(`  fails: ${(error as Error).message}`);
      process.exitCode = 1;
    }
  }
}
