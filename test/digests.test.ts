// Everything that the tool writes is, byte for byte, what it was when digests.json was recorded. Run through the built
// command line, with relative paths and one thread, so that neither the library's inside nor the place matters. After a
// wanted change: LAYERWISE_RECORD_DIGESTS=1 npx vitest run test/digests.test.ts, at best with -t and the case.
// LAYERWISE_DIGESTS_DIR=<dir> keeps the files, to compare those of two commits with diff -r.
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, it } from "vitest";
import { projectRoot, type Tensor, tensor } from "../src/core/index.ts";
import { temporaryFolder, writeTensors } from "./checkpoints.ts";
import { compareDigests, digestsOf, unknownMachine } from "./digests.ts";
import { foldedGraph, generated, inType, keptGraph, network, randomTensor } from "./onnx-graphs.ts";
import { hasShared, sharedPath } from "./shared.ts";

const folder = process.env.LAYERWISE_DIGESTS_DIR ?? temporaryFolder();

/** The files in inputs/: two state dicts and their graphs in every format, samples, a text, recipes. */
async function writeInputs(): Promise<void> {
  const inputs = join(folder, "inputs");
  rmSync(inputs, { recursive: true, force: true });
  mkdirSync(join(inputs, "shakespeare"), { recursive: true });
  const at = (name: string) => join(inputs, name);
  for (const end of ["a", "b"]) {
    const weights = network(end);
    const half = inType(weights, "float16");
    await writeTensors(at(`${end}.pt`), "torch", weights);
    await writeTensors(at(`${end}.npz`), "npz", weights);
    await writeTensors(at(`${end}.safetensors`), "safetensors", weights, { note: "kept" });
    await writeTensors(at(`${end}-half.safetensors`), "safetensors", half);
    writeFileSync(at(`${end}.onnx`), keptGraph(weights));
    writeFileSync(at(`${end}-folded.onnx`), foldedGraph(weights, generated));
  }
  const count = 600;
  const x = randomTensor("x", [count, 2, 4, 4], -3, 3);
  const samples = (labels: Tensor) =>
    new Map([
      ["x", x],
      ["labels", labels],
    ]);
  const classes = Array.from({ length: count }, (_, i) => i % 4);
  await writeTensors(at("classes.npz"), "npz", samples(tensor("int64", [count], classes)));
  await writeTensors(at("values.npz"), "npz", samples(randomTensor("values", [count, 4])));
  writeFileSync(at("shakespeare/input.txt"), "To be, or not to be: that is the question.\n".repeat(60));
  for (const [name, recipe] of Object.entries(recipes)) writeFileSync(at(`${name}.yaml`), recipe);
}

const recipes = {
  // recipes/quick.yaml, smaller
  quick: `model: { name: resnet18-nonorm, width: 2 }
data: { name: cifar10-half, augment: false, samples: 64 }
pair: { init: same, init_seed: 1, order_seeds: [5, 7] }
training: { epochs: 2, batch: 32, warmup_steps: 2 }
measure: { every: 2, scans: [single, deep, shallow, random, minimal], splits: [train], samples: 20 }
`,
  text: `model: { name: gpt, blocks: 1, heads: 2, dim: 8, context: 16 }
data: { name: shakespeare, dir: . }
training: { steps: 40, batch: 4, optimiser: adamw, lr: 2.0e-3, clip: 1.0, warmup_steps: 20 }
measure: { every: 40, scans: [single], splits: [test], samples: 10 }
`,
  clients: `model: { width: 2 }
data: { name: cifar10-half, samples: 64, augment: true }
federated: { clients: 3, partition: dirichlet, alpha: 0.5 }
training: { epochs: 1 }
measure: { every: 1, scans: [deep], splits: [train], samples: 20 }
claims: [{ says: it is small, take: full, below: 9 }]
`,
};

interface Case {
  readonly name: string;
  /** Words of the command line; a further one that ends in > is the file for what the command prints. */
  readonly commands: readonly string[];
  /** Files or folders to digest. */
  readonly outputs?: readonly string[];
  /** The files that are the same on every machine. */
  readonly isPortable?: (file: string) => boolean;
}

const all = () => true;
const graph = "--model inputs/a.onnx --data npz:inputs/classes.npz --threads 1 --quiet";
const measure = (options: string, ends = "inputs/a.npz inputs/b.npz", common = graph) => [
  `measure ${ends} ${common} --out out ${options}`,
];
const merge = (name: string, options: string, extension = "npz"): Case => {
  const ends = `inputs/a.${extension} inputs/b.${extension}`;
  return {
    name: `merge, .${extension}, ${name}`,
    commands: [`merge ${ends} --quiet --out merged.${extension} ${options}`],
    outputs: [`merged.${extension}`, `merged.${extension}.merge.json`],
  };
};
const budget = "--data npz:inputs/classes.npz --threads 1 --samples 60 --budget 0.05";
const reproduce = (name: string, recipe = `inputs/${name}.yaml`): Case => ({
  name: `reproduce, ${name}`,
  commands: [`reproduce ${recipe} --threads 1 --quiet`],
  outputs: ["runs"],
  isPortable: (file) => /epoch-0000\.safetensors$|\/recipe\.yaml$|\/clients\.json$/.test(file),
});

const own: Case[] = [
  { name: "distance", commands: ["distance inputs/a.pt inputs/b.npz --json >"], isPortable: all },
  { name: "distance of graphs", commands: ["distance inputs/a.onnx inputs/b.onnx --json >"], isPortable: all },
  { name: "measure, one graph", commands: measure("--samples 50 --batch 20") },
  { name: "measure, .pt", commands: measure("--samples 40 --scan single,full", "inputs/a.pt inputs/b.pt") },
  { name: "measure, half precision", commands: measure("", "inputs/a-half.safetensors inputs/b-half.safetensors") },
  {
    name: "measure, two graphs",
    commands: measure("", "inputs/a.onnx inputs/b.onnx", graph.replace("--model inputs/a.onnx ", "")),
  },
  {
    name: "measure, folded graph",
    commands: measure("", undefined, graph.replace("a.onnx", "a-folded.onnx")),
  },
  {
    name: "measure, regression",
    commands: measure("--samples 90", undefined, graph.replace("classes", "values")),
  },
  { name: "measure, alphas and baseline", commands: measure("--samples 60 --alpha 0.25,0.5 --baseline random:2") },
  { name: "measure, precision", commands: measure("--precision 0.03 --scan single,deep,full") },
  {
    name: "measure, precision of the error",
    commands: measure("--precision 2 --metric error --scan single --baseline random:2"),
  },
  { name: "measure, tensors", commands: measure("--samples 60 --group tensor --tolerance 0.2") },
  { name: "measure, blocks", commands: measure("--samples 60 --group block --metric loss") },
  { name: "measure, chosen layers", commands: measure("--samples 60 --layers conv* fc --base a --order-seed 3") },
  {
    name: "measure, windows and an order",
    commands: measure("--samples 60 --scan window:2,docs/examples/inside-out.mjs --base b"),
  },
  ...["a", "recalibrate"].map((how) => ({
    name: `measure, statistics: ${how}`,
    commands: measure(`--samples 60 --stats ${how} --alpha 0.25,0.5 --scan single,deep,full`),
  })),
  ...["pt", "safetensors", "npz", "onnx"].flatMap((extension) => [
    { ...merge("all layers", "", extension), isPortable: all },
    merge("a budget", extension === "onnx" ? budget : `--model inputs/a.onnx ${budget}`, extension),
  ]),
  ...["pt", "onnx"].map((extension) => ({
    ...merge("chosen layers", "--layers conv1=0.25 fc --alpha 0.75 --base b", extension),
    isPortable: all,
  })),
  merge("recalibrated", `--model inputs/a.onnx ${budget} --stats recalibrate --metric error`),
  reproduce("quick"),
  reproduce("text"),
  reproduce("clients"),
  reproduce("rings", "docs/examples/rings.yaml"),
];

const images = (model: string, samples = 40) =>
  `--model ${model} --data cifar10 --data-dir data --samples ${samples} --batch 20 --threads 1 --quiet`;
const text = "--model gpt --heads 4 --data shakespeare --data-dir data --split test --samples 40 --threads 1 --quiet";
const fixture = (name: string, ends: string, common: string, options = ""): Case => {
  const [path, epoch] = ends.split(" ");
  const files = ["a", "b"].map((end) => `fixtures/${path}/${end}_${epoch}.pt`).join(" ");
  return { name: `measure, ${name}`, commands: measure(options, files, common) };
};
const shared: Case[] = [
  fixture("ResNet", "resnet18-w8 epoch_30", images("resnet18-nonorm")),
  fixture("ResNet of federated clients", "resnet18-w8-dirichlet epoch_30", images("resnet18-nonorm"), "--scan full"),
  fixture("ResNet, blocks", "resnet18-w8 epoch_10", images("resnet18-nonorm"), "--group block"),
  fixture("VGG", "vgg11-w8 epoch_25", images("vgg11")),
  fixture(
    "VGG, alphas and baseline",
    "vgg11-w8 epoch_25",
    images("vgg11"),
    "--alpha 0.25,0.5 --baseline random:1 --scan single,full",
  ),
  fixture("GPT", "gpt-2x32 step_600", text, "--scan single,shallow,deep,full"),
  ...["average", "a", "recalibrate"].map((how) =>
    fixture(
      `ResNet with BatchNorm, statistics: ${how}`,
      "resnet18bn-w8 epoch_10",
      images("resnet18", how === "average" ? 40 : 20),
      `--stats ${how} --layers conv1 layer4.1.** fc --scan ${how === "average" ? "single,deep,full" : "single,full"}`,
    ),
  ),
];

function run({ name, commands, outputs = ["out"], isPortable = () => false }: Case): void {
  const place = join(folder, name.replaceAll(/[^\w.]+/g, "-"));
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place);
  symlinkSync(join("..", "inputs"), join(place, "inputs"));
  symlinkSync(join(projectRoot, "docs"), join(place, "docs"));
  for (const part of ["data", "fixtures"]) if (hasShared) symlinkSync(sharedPath(part), join(place, part));
  for (const command of commands) {
    const words = command.trim().split(/ +/);
    const isPrinted = words.at(-1) === ">";
    const args = [join(projectRoot, "dist/cli/main.js"), ...words.slice(0, isPrinted ? -1 : undefined)];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: place, encoding: "utf8" });
    if (status !== 0 || stderr) throw new Error(`${command}: status ${status}. ${stderr}`);
    if (isPrinted) writeFileSync(join(place, "out"), stdout);
  }
  compareDigests(name, digestsOf(place, outputs), isPortable);
}

beforeAll(async () => {
  const sources = readdirSync(join(projectRoot, "src"), { recursive: true, encoding: "utf8" });
  const newest = Math.max(...sources.map((file) => statSync(join(projectRoot, "src", file)).mtimeMs));
  if (statSync(join(projectRoot, "dist/.built")).mtimeMs < newest)
    throw new Error("dist/ is older than src/. Run node scripts/compile.mjs first.");
  await writeInputs();
});

describe("what the tool writes, byte for byte", () => {
  for (const one of own) {
    const reason = one.isPortable ? "" : unknownMachine;
    it.skipIf(reason)(`${one.name}${reason}`, () => run(one));
  }
  for (const one of shared) {
    const reason = hasShared ? unknownMachine : " (needs ../shared)";
    it.skipIf(reason)(`${one.name}${reason}`, () => run(one));
  }
});
