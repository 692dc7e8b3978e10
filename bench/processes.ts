// `npm run bench processes`: whole commands, including start-up and files, compared with the same in PyTorch: training
// a pair, measuring it, measuring to a precision; also the memory of a scan, and start-up. Needs CIFAR-10's batch files
// in DATA (default ../shared/data).
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { noPython, python, tuned } from "./python.ts";
import { run } from "./watch.ts";

const data = resolve(process.env.DATA ?? "../shared/data");
const cli = resolve("dist/cli/main.js");
const layerwise = (...args: string[]) => run(process.execPath, [cli, ...args]);
const pytorch = (spec: object) => run(python!, ["bench/pytorch.py", JSON.stringify(spec)], tuned);
const say = (what: string, ours: number, theirs: { name: string; seconds: number }[]) => {
  const parts = theirs.map(
    ({ name, seconds }) => `${name} ${seconds.toFixed(1)} s (${(seconds / ours).toFixed(2)} times)`,
  );
  console.log(`  ${what}: ${ours.toFixed(1)} s; ${parts.join("; ")}`);
};

export async function benchProcesses(): Promise<void> {
  const file = join(data, "cifar-10-batches-bin/data_batch_1.bin");
  console.log("whole commands, start-up included");
  if (!python) return console.log(`  not measured: ${noPython}.`);
  if (!existsSync(file))
    return console.log(`  not measured: ${file} is missing. Set DATA to the folder that contains it.`);
  const folder = mkdtempSync(join(tmpdir(), "layerwise-bench-"));
  try {
    for (const [width, samples] of [
      [16, 400],
      [64, 200],
    ] as const) {
      const train = { kind: "train", width, file, samples: 2048, epochs: width === 16 ? 4 : 1, folder };
      const recipe = join(folder, "pair.yaml");
      writeFileSync(
        recipe,
        `model: { width: ${width} }
data: { name: cifar10, samples: ${train.samples}, augment: false }
training: { epochs: ${train.epochs}, warmup_steps: 50 }
measure: { every: ${train.epochs} }
`,
      );
      const ours = await layerwise(
        "train",
        recipe,
        "--runs",
        join(folder, `runs-${width}`),
        "--data-dir",
        data,
        "--quiet",
      );
      const one = await pytorch({ ...train, networks: ["a", "b"], threads: 2 });
      const start = performance.now();
      await Promise.all(["a", "b"].map((name) => pytorch({ ...train, networks: [name], threads: 1 })));
      say(`train a pair, width ${width}, ${train.samples} images of 32x32, ${train.epochs} epochs`, ours.seconds, [
        { name: "PyTorch, 2 threads,", seconds: one.seconds },
        { name: "PyTorch, two processes of 1 thread,", seconds: (performance.now() - start) / 1000 },
      ]);

      const [a, b] = ["a", "b"].map((name) => join(folder, `${name}.pt`));
      const measure = (...more: string[]) =>
        layerwise(
          "measure",
          a,
          b,
          "--model",
          "resnet18-nonorm",
          "--data",
          "cifar10",
          "--data-dir",
          data,
          "--quiet",
          "--out",
          join(folder, "out"),
          ...more,
        );
      const loop = { kind: "measure", width, file, folder, threads: 2 };
      const scan = await measure("--samples", String(samples));
      say(`measure, all default scans, width ${width}, ${samples} samples`, scan.seconds, [
        { name: "PyTorch", seconds: (await pytorch({ ...loop, samples })).seconds },
      ]);
      const single = await measure("--samples", String(samples), "--scan", "full");
      console.log(
        `  memory: ${scan.memoryMb.toFixed(0)} MB, of the two ends and the full average alone ${single.memoryMb.toFixed(0)} MB`,
      );
      if (width === 16) {
        const precise = await measure("--samples", "10000", "--precision", "0.05");
        const part = await pytorch({ ...loop, samples: 1000 });
        say(`measure to a precision of 0.05, width ${width}, of 10,000 samples`, precise.seconds, [
          { name: "PyTorch, all of them, ten times what 1,000 take,", seconds: 10 * part.seconds },
        ]);
        const few = await measure("--samples", "50", "--scan", "full");
        console.log(
          `  a small measure: ${few.seconds.toFixed(2)} s; --help: ${(await layerwise("--help")).seconds.toFixed(2)} s`,
        );
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
