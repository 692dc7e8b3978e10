// The whole pipeline in seconds, through the built command line: train a tiny pair, interrupt and resume it, measure
// it, redraw it; and wrong input.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parseMeasurement } from "../src/connectivity/index.ts";
import { projectRoot } from "../src/core/index.ts";
import { hasShared, sharedPath } from "./shared.ts";

const folder = mkdtempSync(join(tmpdir(), "layerwise-tiny-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const main = join(projectRoot, "dist/cli/main.js");
const layerwise = (...args: string[]) =>
  spawnSync(process.execPath, [main, ...args], { cwd: folder, encoding: "utf8" });

const recipe = `name: tiny
model: { width: 2 }
data: { name: cifar10-half, samples: 200, augment: true }
training: { epochs: 6, batch: 48, warmup_steps: 4 }
measure: { every: 3, scans: [single, deep], samples: 60 }
`;
writeFileSync(join(folder, "tiny.yaml"), recipe);

const checkpoints = (runs: string) => {
  const run = join(folder, runs, readdirSync(join(folder, runs))[0]);
  return ["a", "b"].flatMap((network) =>
    readdirSync(join(run, network)).map(
      (file) =>
        `${network}/${file} ${createHash("sha256")
          .update(readFileSync(join(run, network, file)))
          .digest("hex")}`,
    ),
  );
};

describe("the pipeline from a recipe to a report", () => {
  it("trains, measures and draws; when rerun, it only draws", () => {
    const first = layerwise("reproduce", "tiny.yaml", "--quiet");
    expect(first.stderr).toBe("");
    expect(first.status).toBe(0);
    expect(first.stdout).toContain("Loss barrier of all layers by epoch:\n0: 0.00");
    for (const line of first.stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
    const run = join(folder, "runs", readdirSync(join(folder, "runs"))[0]);
    expect(readdirSync(join(run, "a")).sort()).toEqual([
      "epoch-0000.safetensors",
      "epoch-0003.safetensors",
      "epoch-0006.safetensors",
      "epoch-0006.state.safetensors",
    ]);
    expect(readdirSync(join(run, "measure")).filter((f) => f.endsWith(".json")).length).toBe(6);
    expect(readFileSync(join(run, "report.html"), "utf8")).toContain("which layers can be averaged?");
    const before = checkpoints("runs");
    const second = layerwise("reproduce", "tiny.yaml", "--quiet");
    expect(second.stdout).toBe(first.stdout);
    expect(checkpoints("runs")).toEqual(before);
    const redrawn = layerwise("report", run, "--json");
    const { runs } = JSON.parse(redrawn.stdout) as { runs: { measurements: { document: unknown }[] }[] };
    expect(runs[0].measurements.length).toBe(6);
    parseMeasurement(runs[0].measurements[0].document, "report");
  });

  it("ends with the same bytes when it is killed and rerun", async () => {
    for (const seconds of [1.2, 2]) {
      const child = spawn(process.execPath, [main, "train", "tiny.yaml", "--runs", "cut", "--quiet"], { cwd: folder });
      const ended = new Promise((resolve) => child.on("exit", resolve));
      setTimeout(() => child.kill("SIGKILL"), 1000 * seconds);
      await ended;
      await new Promise((resolve) => setTimeout(resolve, 300)); // its children end with it
    }
    const done = layerwise("train", "tiny.yaml", "--runs", "cut", "--quiet", "--json");
    expect(done.stderr).toBe("");
    expect(JSON.parse(done.stdout).networks.a.epoch).toBe(6);
    expect(checkpoints("cut")).toEqual(checkpoints("runs"));
  });

  it("trains federated clients on their samples, and a text by steps; resumed after a kill, with the same bytes", async () => {
    mkdirSync(join(folder, "shakespeare"));
    writeFileSync(join(folder, "shakespeare/input.txt"), "To be, or not to be: that is the question.\n".repeat(60));
    writeFileSync(
      join(folder, "text.yaml"),
      `model: { name: gpt, blocks: 1, heads: 2, dim: 8, context: 16 }
data: { name: shakespeare, dir: . }
training: { steps: 250, batch: 4, optimiser: adamw, lr: 2.0e-3, clip: 1.0, warmup_steps: 20 }
measure: { every: 125, scans: [single], splits: [test], samples: 10 }
`,
    );
    writeFileSync(
      join(folder, "clients.yaml"),
      `model: { width: 2 }
data: { name: cifar10-half, samples: 200, augment: false }
federated: { clients: 3, partition: dirichlet, alpha: 0.5 }
training: { epochs: 1 }
measure: { every: 1, scans: [deep], splits: [train], samples: 50 }
claims: [{ says: it is small, take: full, below: 9 }]
`,
    );
    const text = layerwise("reproduce", "text.yaml", "--quiet", "--runs", "texts");
    expect(text.stderr).toBe("");
    const child = spawn(process.execPath, [main, "train", "text.yaml", "--runs", "cut-texts", "--quiet"], {
      cwd: folder,
    });
    const ended = new Promise((resolve) => child.on("exit", resolve));
    setTimeout(() => child.kill("SIGKILL"), 1200);
    await ended;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(layerwise("train", "text.yaml", "--runs", "cut-texts", "--quiet").status).toBe(0);
    expect(checkpoints("cut-texts")).toEqual(checkpoints("texts"));

    const clients = layerwise("reproduce", "clients.yaml", "--quiet", "--runs", "clients");
    expect(clients.stderr).toBe("");
    expect(clients.stdout).toContain("HOLDS: it is small");
    const run = join(folder, "clients", readdirSync(join(folder, "clients"))[0]);
    expect(readdirSync(run)).toEqual(expect.arrayContaining(["client-0", "client-1", "client-2", "claims.json"]));
    const { classes } = JSON.parse(readFileSync(join(run, "clients.json"), "utf8")) as { classes: number[][] };
    expect(classes.flat().reduce((sum, x) => sum + x, 0)).toBe(200);
  });

  it.skipIf(!hasShared)("measures on the official images at half size (needs ../shared)", () => {
    const run = join(folder, "runs", readdirSync(join(folder, "runs"))[0]);
    const measured = [["cifar10-half"], ["cifar10", "--size", "16", "--data-dir", sharedPath("data")]].map((data) => {
      const ends = ["a", "b"].map((end) => join(run, end, "epoch-0006.safetensors"));
      const options = ["--split", "test", "--samples", "40", "--scan", "deep", "--json", "--quiet", "--out", data[0]];
      const { stdout } = layerwise("measure", ...ends, "--model", "resnet18-nonorm", "--data", ...data, ...options);
      return parseMeasurement(JSON.parse(stdout), "stdout");
    });
    expect(measured[1].cells).toEqual(measured[0].cells);
  });

  it("measures two checkpoints into a document that other programs can rely on", () => {
    const run = join(folder, "runs", readdirSync(join(folder, "runs"))[0]);
    const ends = ["a", "b"].map((end) => join(run, end, "epoch-0006.safetensors"));
    const { stdout, status } = layerwise(
      "measure",
      ...ends,
      "--model",
      "resnet18-nonorm",
      "--data",
      "cifar10-half",
      "--samples",
      "60",
      "--json",
      "--quiet",
      "--out",
      "measured",
    );
    expect(status).toBe(0);
    const document = parseMeasurement(JSON.parse(stdout), "stdout");
    expect(document.layers.length).toBe(21);
    expect(document.cells.length).toBe(5 * 42 + 1);
    expect(readdirSync(join(folder, "measured")).sort()).toEqual([
      "cells.csv",
      "figures",
      "measure.json",
      "report.html",
      "samples.safetensors",
    ]);
    const page = readFileSync(join(folder, "measured/report.html"), "utf8");
    writeFileSync(join(folder, "measured/report.html"), "");
    expect(layerwise("report", "measured", "--quiet").stdout.trim()).toBe("measured/report.html");
    expect(readFileSync(join(folder, "measured/report.html"), "utf8")).toBe(page);
    const stored = parseMeasurement(
      JSON.parse(readFileSync(join(run, "measure/epoch-0006-train.json"), "utf8")),
      "stored",
    );
    const full = (d: typeof document) => d.cells.find((cell) => cell.scan === "full")!.loss!.barrier!;
    expect(full(document)).toBeCloseTo(full(stored), 6);
  });

  it("draws and judges only the recipe's cells, where another recipe has measured the same networks", () => {
    const asked = recipe.replace("scans: [single, deep]", "scans: [single], base: a").replace("tiny", "one-base");
    writeFileSync(join(folder, "one-base.yaml"), `${asked}figure: { title: one base, paper: nothing }\n`);
    const { stderr } = layerwise("reproduce", "one-base.yaml", "one-base.yaml", "--quiet");
    expect(stderr).toBe("");
    const page = readFileSync(join(folder, "runs/figures-quick/one-base/report.html"), "utf8");
    expect(page).toContain("Averaged on their own, ");
    expect(page).not.toContain("on both bases, ");
  });
});

describe("wrong input gets one sentence", () => {
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return name;
  };
  const cases: [title: string, args: () => string[], status: number, sentence: RegExp][] = [
    ["a missing recipe", () => ["train", "none.yaml"], 1, /Cannot read none\.yaml: there is no such file/],
    ["an unknown experiment of train", () => ["train", "fig13"], 1, /There is no experiment fig13; did you mean fig/],
    ["several experiments", () => ["train", "all"], 1, /all is several recipes\. Name one/],
    [
      "an unknown key",
      () => ["train", write("key.yaml", "training: { learning_rate: 1 }")],
      1,
      /training\.learning_rate is not a known key/,
    ],
    [
      "a wrong value",
      () => ["train", write("value.yaml", "training: { epochs: many }")],
      1,
      /training\.epochs must be a number, not "many"/,
    ],
    ["broken YAML", () => ["train", write("broken.yaml", "a: [")], 1, /is not valid YAML/],
    [
      "an unknown model",
      () => ["train", write("model.yaml", "model: { name: resnet }\ndata: { name: cifar10-half }")],
      1,
      /There is no model resnet/,
    ],
    ["missing data", () => ["train", write("data.yaml", "data: { name: cifar10, dir: nowhere }")], 1, /--data-dir/],
    [
      "more samples than the data has",
      () => ["train", write("many.yaml", "data: { name: cifar10-half, samples: 5000 }")],
      1,
      /5000 are needed/,
    ],
    [
      "an unknown scan",
      () => ["train", write("scan.yaml", "data: { name: cifar10-half }\nmeasure: { scans: [depp] }")],
      1,
      /did you mean deep\?/,
    ],
    [
      "a test split with other classes",
      () => {
        write(
          "split.mjs",
          readFileSync(join(projectRoot, "docs/examples/rings.mjs"), "utf8")
            .replace("{ samples = 200 }", '{ samples = 200, split = "train" }')
            .replace("i % 2", 'i % (split === "test" ? 3 : 2)'),
        );
        return ["train", write("split.yaml", "model: { name: mlp }\ndata: { name: split.mjs, augment: false }")];
      },
      1,
      /split\.mjs \(test\) has 3 classes but mlp outputs 2/,
    ],
    [
      "results that would overwrite a run's",
      () => [
        "measure",
        "a.pt",
        "b.pt",
        "--model",
        "mlp",
        "--data",
        "cifar10-half",
        "--out",
        join("runs", readdirSync(join(folder, "runs")).find((name) => name.startsWith("tiny-"))!),
      ],
      1,
      /contains an experiment, whose report would be overwritten/,
    ],
    ["an unknown experiment", () => ["reproduce", "quik"], 1, /did you mean quick\?/],
    ["a folder that is no run", () => ["report", "."], 1, /is not a folder of results/],
    [
      "a missing option",
      () => [
        "measure",
        ...["a", "b"].map((end) => join(projectRoot, `docs/examples/rings-${end}.safetensors`)),
        "--data",
        "x",
      ],
      2,
      /with --model/,
    ],
    [
      "an unknown option",
      () => ["measure", "a", "b", "--model", "x", "--data", "y", "--modle", "x"],
      2,
      /unknown option/,
    ],
    ["a number that is none", () => ["measure", "a", "b", "--samples", "x"], 2, /an integer of at least 1/],
    [
      "a missing checkpoint",
      () => ["measure", "none.pt", "none.pt", "--model", "resnet18-nonorm", "--data", "cifar10-half"],
      1,
      /none\.pt/,
    ],
    [
      "a file that is not a checkpoint",
      () => ["measure", write("text.pt", "hello"), "text.pt", "--model", "resnet18-nonorm", "--data", "cifar10-half"],
      1,
      /text\.pt/,
    ],
  ];
  for (const [title, args, status, sentence] of cases) {
    it(title, () => {
      const before = readdirSync(folder);
      const given = args();
      const result = layerwise(...given, "--quiet");
      expect(result.status, result.stderr).toBe(status);
      expect(result.stderr).toMatch(sentence);
      expect(result.stderr).not.toMatch(/\n {4}at /);
      expect(result.stdout).toBe("");
      if (status === 1) expect(result.stderr.trim().split("\n").length).toBe(1);
      const left = readdirSync(folder).filter((file) => ![...before, ...given, "split.mjs"].includes(file));
      expect(left).toEqual([]);
      expect(existsSync(join(folder, "runs/none"))).toBe(false);
    });
  }
});
