// Ground truth: the barriers that PyTorch measured (../shared/fixtures), against ours, cell by cell.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type MeasureResult, measure, parseScans } from "../src/connectivity/index.ts";
import { hasShared, sharedPath } from "./shared.ts";

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

async function compare(
  folder: string,
  name: string,
  model: string,
  samples: number,
): Promise<{ result: MeasureResult; reference: Reference }> {
  const file = (end: string) => sharedPath(`fixtures/${folder}/${end}_${name}.pt`);
  const reference = JSON.parse(readFileSync(sharedPath(`fixtures/${folder}/${name}.json`), "utf8")) as Reference;
  const result = await measure({
    a: file("a"),
    b: file("b"),
    model: { name: model },
    data: { name: "cifar10", dir: sharedPath("data"), samples },
    scans: parseScans("single,shallow,deep,minimal,full"),
    batch: 128, // 500 samples: the last batch is short
  });
  const { document } = result;
  expect(document.layers.map((layer) => layer.name)).toEqual(reference.layers);
  for (const end of ["a", "b"] as const) {
    expectClose(document.ends[end].loss, reference.ends[end].loss, 1e-5, `end ${end}`);
    expect(document.ends[end].error).toBeCloseTo(reference.ends[end].error, 9);
  }
  const wanted = reference.cells.filter((cell) => cell.kind !== "random");
  for (const cell of wanted) {
    const what = `${cell.kind} ${cell.layer} on ${cell.base}`;
    const found = document.cells.find((c) => c.scan === cell.kind && c.layer === cell.layer && c.base === cell.base);
    expect(found, what).toBeDefined();
    expectClose(found!.loss, cell.loss, 1e-5, what);
    expectClose(found!.loss_barrier, cell.loss_barrier, 2e-5, `${what}, barrier`);
    expect(found!.error, what).toBeCloseTo(cell.error, 9); // to the sample
    expect(found!.error_barrier, what).toBeCloseTo(cell.error_barrier, 9);
  }
  expect(document.cells.length).toBe(wanted.length + 1);
  const full = document.cells.find((cell) => cell.scan === "full")!;
  expectClose(full.loss, reference.full.loss, 1e-5, "full");
  expect(full.error).toBeCloseTo(reference.full.error, 9);
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
  return { result, reference };
}

describe.skipIf(!hasShared)("barriers measured in PyTorch (../shared/fixtures)", () => {
  for (const epoch of [0, 10, 30]) {
    it(`ResNet18 without normalisation, epoch ${epoch}`, () =>
      compare("resnet18-w8", `epoch_${epoch}`, "resnet18-nonorm", 500));
  }

  it("federated clients with negative barriers", async () => {
    const { result } = await compare("resnet18-w8-dirichlet", "epoch_30", "resnet18-nonorm", 500);
    expect(result.document.cells.find((cell) => cell.scan === "full")!.loss_barrier).toBeLessThan(0);
  });

  it("ResNet18 with BatchNorm", () => compare("resnet18bn-w8", "epoch_10", "resnet18", 500));

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
      expectClose(found.loss, loss, 1e-5, `alpha ${alpha}`);
      expect(found.error).toBeCloseTo(error, 9);
    }
  });
});
