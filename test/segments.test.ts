// The segmented sweep, forced by a memory limit, gives the same numbers as one graph on every fixture. A killed scan
// gives the same document when it is rerun.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Measurement, type MeasureOptions, measure } from "../src/connectivity/index.ts";
import { projectRoot } from "../src/core/index.ts";
import { buildModel, initialise } from "../src/models/index.ts";
import { temporaryFolder, writeTensors } from "./checkpoints.ts";
import { guideFolder } from "./guide.ts";
import { hasShared, sharedPath } from "./shared.ts";

/** A limit below the memory of one graph for any network. */
const memory = 1;

/** Relative to the loss, or to one where it is smaller; errors are equal. */
function expectEqual(found: Measurement, wanted: Measurement): void {
  const isClose = (x: number | null | undefined, y: number | null | undefined, what: string) => {
    const difference = Math.abs((x ?? 0) - (y ?? 0)) / Math.max(1, Math.abs(y ?? 0));
    expect(difference, `${what}: ${x} for ${y}`).toBeLessThan(1e-6);
  };
  expect(found.cells.length).toBe(wanted.cells.length);
  for (const [i, { scan, layer, base, loss, error }] of wanted.cells.entries()) {
    const cell = found.cells[i];
    isClose(cell.loss?.value, loss?.value, `${scan} ${layer} on ${base}`);
    expect(cell.error?.value).toBe(error?.value);
  }
  for (const end of ["a", "b"] as const) isClose(found.ends[end].loss, wanted.ends[end].loss, end);
}

async function compare(options: MeasureOptions): Promise<void> {
  const [one, other] = [await measure(options), await measure({ ...options, memory })];
  expectEqual(other.document, one.document);
}

const scans = ["single", "shallow", "deep", "full"];
const cifar = { name: "cifar10", dir: sharedPath("data"), samples: 48, split: "test" } as const;
const fixtures: [string, string, Pick<MeasureOptions, "model" | "data"> & Partial<MeasureOptions>][] = [
  ["resnet18-w8", "epoch_30", { model: { name: "resnet18-nonorm" }, data: cifar }],
  ["resnet18-w8-dirichlet", "epoch_30", { model: { name: "resnet18-nonorm" }, data: cifar, group: "tensor" }],
  ["resnet18bn-w8", "epoch_10", { model: { name: "resnet18" }, data: cifar }],
  ["resnet18bn-w8", "epoch_10", { model: { name: "resnet18" }, data: cifar, statistics: "a", base: "b" }],
  ["vgg11-w8", "epoch_25", { model: { name: "vgg11" }, data: cifar, alphas: [0.25], randomDraws: 1 }],
  [
    "gpt-2x32",
    "step_600",
    { model: { name: "gpt" }, data: { name: "shakespeare", dir: sharedPath("data"), samples: 20, split: "test" } },
  ],
];

describe.skipIf(!hasShared)(`segments on the fixtures${hasShared ? "" : " (skipped: ../shared is missing)"}`, () => {
  for (const [folder, name, options] of fixtures)
    it(`equal one graph: ${folder} ${options.statistics ?? ""}`, async () => {
      const [a, b] = ["a", "b"].map((end) => sharedPath(`fixtures/${folder}/${end}_${name}.pt`));
      await compare({ a, b, scans, ...options });
    });

  it("equal one graph with recalibrated statistics", async () => {
    const [a, b] = ["a", "b"].map((end) => sharedPath(`fixtures/resnet18bn-w8/${end}_epoch_10.pt`));
    const options = { a, b, scans: ["single", "full"], model: { name: "resnet18" }, data: { ...cifar, samples: 128 } };
    await compare({ ...options, layers: ["conv1", "layer3.**"], base: "a", statistics: "recalibrate" });
  });
});

describe("segments", () => {
  it("equal one graph: two ONNX files, and a graph with state dicts", async () => {
    const folder = await guideFolder();
    const at = (name: string) => join(folder, name);
    const data = { name: `npz:${at("batch.npz")}` };
    const options = { data, scans: ["single", "full"], layers: ["conv1", "layer4.**"], runtime: { threads: 1 } };
    await compare({ a: at("a.onnx"), b: at("b.onnx"), model: {}, ...options });
    await compare({ a: at("a.pt"), b: at("b.pt"), model: { name: at("graph.onnx") }, ...options });
  });

  it("give the same document after a kill, and leave no files of the killed scan", async () => {
    const folder = temporaryFolder();
    const model = buildModel("resnet18-nonorm", { width: 4 });
    for (const [i, end] of ["a", "b"].entries())
      await writeTensors(join(folder, `${end}.safetensors`), "safetensors", initialise(model, i));
    const words = ["measure", "a.safetensors", "b.safetensors", "--model", "resnet18-nonorm", "--data", "cifar10-half"];
    const args = [...words, "--samples", "150", "--memory", "1M", "--threads", "1", "--out"];
    const command = (out: string) => [join(projectRoot, "dist/cli/main.js"), ...args, out];

    const child = spawn(process.execPath, command("killed"), { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
    let output = "";
    await new Promise<void>((resolve) => {
      child.stderr.on("data", (text) => {
        output += text;
        if (/ of 150 samples/.test(output)) child.kill("SIGKILL");
      });
      child.on("exit", () => resolve());
    });
    expect(child.signalCode).toBe("SIGKILL");
    expect(existsSync(join(folder, "killed")) ? readdirSync(join(folder, "killed")) : []).toEqual([]);

    const documents = ["killed", "whole"].map((out) => {
      const { status, stderr } = spawnSync(process.execPath, [...command(out), "--quiet"], { cwd: folder });
      expect(status, String(stderr)).toBe(0);
      return readFileSync(join(folder, out, "measure.json"), "utf8");
    });
    expect(documents[0]).toBe(documents[1]);
  });
});
