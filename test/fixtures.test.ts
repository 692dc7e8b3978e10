// Ground truth: the barriers that PyTorch measured (../shared/fixtures), against ours, cell by cell.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openCheckpoint, writeCheckpoint } from "../src/checkpoints/index.ts";
import { type Measurement, measure, parseMeasurement, parseScans } from "../src/connectivity/index.ts";
import { projectRoot } from "../src/core/index.ts";
import { temporaryFolder } from "./checkpoints.ts";
import { findPython, runPython } from "./python.ts";
import { hasShared, sharedPath } from "./shared.ts";

const { python, note } = findPython("torch", "torchvision", "numpy");

interface ReferenceCell {
  kind: string;
  layer: string;
  base: "a" | "b";
  loss: number;
  error: number;
  loss_barrier: number;
  error_barrier: number;
}
interface Reference {
  layers: string[];
  ends: Record<"a" | "b", { loss: number; error: number }>;
  full: { loss: number; error: number };
  line: { alpha: number; loss: number; error: number }[];
  orders: Record<string, string[]>;
  cells: ReferenceCell[];
  distance: { full: Distance; layers: Record<string, Distance> };
}
interface Distance {
  euclidean: number;
  cosine: number | null;
}

/** Relative to the loss, or to one where it is smaller. */
const expectClose = (found: number | null, wanted: number, tolerance: number, what: string) =>
  expect(Math.abs(found! - wanted) / Math.max(1, Math.abs(wanted)), `${what}: ${found} for ${wanted}`).toBeLessThan(
    tolerance,
  );

interface Fixture {
  folder: string;
  name: string;
  options: string[];
  scans?: string;
}

/** What `layerwise measure … --json` prints. */
function measureByCommand(ends: string[], { options }: Fixture, scans: string): Measurement {
  const out = join(temporaryFolder(), "out");
  const words = ["measure", ...ends, ...options, "--scan", scans, "--batch", "128", "--out", out, "--json", "--quiet"];
  const { stdout, stderr } = spawnSync(process.execPath, [join(projectRoot, "dist/cli/main.js"), ...words], {
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  expect(stderr).toBe("");
  return parseMeasurement(JSON.parse(stdout), "stdout");
}

async function compare(fixture: Fixture, extension: "pt" | "safetensors" | "npz" = "pt"): Promise<Measurement> {
  const { folder, name, scans = "single,shallow,deep,minimal,full" } = fixture;
  const file = (end: string) => sharedPath(`fixtures/${folder}/${end}_${name}.pt`);
  const reference = JSON.parse(readFileSync(sharedPath(`fixtures/${folder}/${name}.json`), "utf8")) as Reference;
  const ends = await Promise.all(
    ["a", "b"].map((end) => (extension === "pt" ? file(end) : convert(file(end), extension))),
  );
  const document = measureByCommand(ends, fixture, scans);
  expect(document.layers.map((layer) => layer.name)).toEqual(reference.layers);
  for (const end of ["a", "b"] as const) {
    expectClose(document.ends[end].loss, reference.ends[end].loss, 1e-5, `end ${end}`);
    expect(document.ends[end].error).toBeCloseTo(reference.ends[end].error, 9);
  }
  const wanted = reference.cells.filter((cell) => scans.split(",").includes(cell.kind));
  for (const cell of wanted) {
    const what = `${cell.kind} ${cell.layer} on ${cell.base}`;
    const found = document.cells.find((c) => c.scan === cell.kind && c.layer === cell.layer && c.base === cell.base);
    expect(found, what).toBeDefined();
    expectClose(found!.loss!.value, cell.loss, 1e-5, what);
    expectClose(found!.loss!.barrier, cell.loss_barrier, 2e-5, `${what}, barrier`);
    expect(found!.error!.value, what).toBeCloseTo(cell.error, 9); // to the sample
    expect(found!.error!.barrier, what).toBeCloseTo(cell.error_barrier, 9);
  }
  expect(document.cells.length).toBe(wanted.length + 1);
  const full = document.cells.find((cell) => cell.scan === "full")!;
  expectClose(full.loss!.value, reference.full.loss, 1e-5, "full");
  expect(full.error!.value).toBeCloseTo(reference.full.error, 9);
  for (const [what, found, distance] of [
    ["full", document.distance.full, reference.distance.full] as const,
    ...reference.layers.map(
      (layer) => [layer, document.distance.layers[layer], reference.distance.layers[layer]] as const,
    ),
  ]) {
    expectClose(found.euclidean, distance.euclidean, 1e-5, `distance of ${what}`);
    if (distance.cosine === null) expect(found.cosine).toBeNull();
    else expectClose(found.cosine, distance.cosine, 1e-5, `cosine of ${what}`);
  }
  return document;
}

/** A copy in another format. */
async function convert(path: string, format: "safetensors" | "npz"): Promise<string> {
  const copy = join(temporaryFolder(), `copy.${format}`);
  const checkpoint = await openCheckpoint(path);
  await writeCheckpoint(copy, format, checkpoint.tensors.values(), checkpoint.read);
  await checkpoint.close();
  return copy;
}

const images = (model: string) => [
  "--model",
  model,
  "--data",
  "cifar10",
  "--data-dir",
  sharedPath("data"),
  "--samples",
  "500",
];
const fixtures: Fixture[] = [
  ...[0, 10, 30].map((epoch) => ({
    folder: "resnet18-w8",
    name: `epoch_${epoch}`,
    options: images("resnet18-nonorm"),
  })),
  { folder: "resnet18-w8-dirichlet", name: "epoch_30", options: images("resnet18-nonorm") },
  { folder: "resnet18bn-w8", name: "epoch_10", options: images("resnet18") },
  { folder: "vgg11-w8", name: "epoch_25", options: images("vgg11") },
  {
    folder: "gpt-2x32",
    name: "step_600",
    options: [
      "--model",
      "gpt",
      "--heads",
      "4",
      "--data",
      "shakespeare",
      "--data-dir",
      sharedPath("data"),
      "--split",
      "test",
      "--samples",
      "100",
    ],
  },
];

describe.skipIf(!hasShared)("barriers measured in PyTorch (../shared/fixtures), through the command", () => {
  for (const fixture of fixtures) {
    it(`${fixture.folder} ${fixture.name}`, async () => {
      const document = await compare(fixture);
      if (fixture.folder.endsWith("dirichlet"))
        expect(document.cells.find((cell) => cell.scan === "full")!.loss!.barrier).toBeLessThan(0);
    });
    for (const extension of ["safetensors", "npz"] as const)
      it(`${fixture.folder} ${fixture.name} as .${extension}`, () =>
        compare({ ...fixture, scans: "single,full" }, extension));
  }

  it("the public ResNet20: loss and error as in the README beside it", () => {
    const path = sharedPath("data/checkpoints/resnet20-12fca82f.th");
    const options = [
      "--model",
      "resnet20",
      "--data",
      "cifar10",
      "--data-dir",
      sharedPath("data"),
      "--split",
      "test",
      "--samples",
      "1000",
    ];
    const normalisation = ["--mean", ".485,.456,.406", "--std", ".229,.224,.225"];
    const { ends } = measureByCommand(
      [path, path],
      { folder: "", name: "", options: [...options, ...normalisation] },
      "full",
    );
    expectClose(ends.a.loss, 0.815657, 1e-5, "loss");
    expect(ends.a.error).toBeCloseTo(18.7, 9);
  });

  it.skipIf(!python)(`running statistics recalibrated like PyTorch's update_bn${note}`, async () => {
    const ends = ["a", "b"].map((end) => sharedPath(`fixtures/resnet18bn-w8/${end}_epoch_10.pt`));
    const data = { name: "cifar10", dir: sharedPath("data"), samples: 200 };
    const { document } = await measure({
      a: ends[0],
      b: ends[1],
      model: { name: "resnet18" },
      data,
      scans: ["full"],
      statistics: "recalibrate",
    });
    const script = join(projectRoot, "test/interop/recalibrated.py");
    const args = [sharedPath("reference"), sharedPath("data/cifar-10-batches-bin"), ...ends, "200"];
    const [loss, error] = runPython(python!, [script, ...args])
      .trim()
      .split(" ")
      .map(Number);
    expectClose(document.cells[0].loss!.value, loss, 1e-4, "loss");
    expect(document.cells[0].error!.value).toBeCloseTo(error, 4);
  });

  it("the line between the ends", async () => {
    const reference = JSON.parse(readFileSync(sharedPath("fixtures/resnet18-w8/epoch_30.json"), "utf8")) as Reference;
    const { document } = await measure({
      a: sharedPath("fixtures/resnet18-w8/a_epoch_30.pt"),
      b: sharedPath("fixtures/resnet18-w8/b_epoch_30.pt"),
      model: { name: "resnet18-nonorm" },
      data: { name: "cifar10", dir: sharedPath("data"), samples: 500 },
      scans: parseScans("full"),
      alphas: reference.line.map((point) => point.alpha),
    });
    for (const { alpha, loss, error } of reference.line) {
      const found = document.cells.find((cell) => cell.alpha === alpha)!;
      expectClose(found.loss!.value, loss, 1e-5, `alpha ${alpha}`);
      expect(found.error!.value).toBeCloseTo(error, 9);
    }
  });
});
