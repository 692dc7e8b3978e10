// ONNX models that the project has never seen, exported by PyTorch from networks with grouped convolutions, GroupNorm,
// BatchNorm and attention: the barriers are those that PyTorch measures, from two .onnx files and from one graph with
// two state dicts.
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { measure, parseScans } from "../src/connectivity/index.ts";
import { projectRoot } from "../src/core/index.ts";
import { compareFiles } from "../src/distance/index.ts";
import { merge } from "../src/merging/index.ts";
import { temporaryFolder } from "./checkpoints.ts";
import { findPython, runPython } from "./python.ts";

interface Truth {
  layers: string[];
  ends: Record<"a" | "b", [number, number]>;
  cells: { layer: string | null; base: "a" | "b" | null; loss: number; error: number }[];
}

const { python, note } = findPython("torch", "numpy");
const folder = temporaryFolder();
const at = (kind: string, file: string) => join(folder, kind, file);

async function compare(kind: string, ends: [string, string], model?: string) {
  const truth = JSON.parse(readFileSync(at(kind, "truth.json"), "utf8")) as Truth;
  const { document } = await measure({
    a: at(kind, ends[0]),
    b: at(kind, ends[1]),
    model: { name: model && at(kind, model) },
    data: { name: `npz:${at(kind, "data.npz")}` },
    scans: parseScans("single,full"),
  });
  expect(document.layers.map((layer) => layer.name)).toEqual(truth.layers);
  for (const { layer, base, loss, error } of truth.cells) {
    const found = document.cells.find((cell) => cell.layer === layer && cell.base === base)!;
    expect(Math.abs(found.loss!.value! - loss), `${layer} on ${base}`).toBeLessThan(1e-4);
    expect(found.error!.value).toBeCloseTo(error, 4);
    const [a, b] = [truth.ends.a[0], truth.ends.b[0]];
    expect(Math.abs(found.loss!.barrier! - (loss - (a + b) / 2))).toBeLessThan(1e-4);
  }
  return document;
}

describe.skipIf(!python)(`ONNX models exported by PyTorch${note}`, () => {
  beforeAll(() => {
    for (const kind of ["plain", "folded"]) {
      mkdirSync(join(folder, kind));
      runPython(python!, [join(projectRoot, "test/interop/onnx_pair.py"), join(folder, kind), kind]);
    }
  }, 120_000);

  it("two .onnx files", () => compare("plain", ["a.onnx", "b.onnx"]));
  it("a graph of one end with two state dicts", () => compare("plain", ["a.pt", "b.pt"], "a.onnx"));
  it("the graph of the other end", () => compare("plain", ["a.pt", "b.pt"], "b.onnx"));
  it("a graph with batch normalisations folded into convolutions", async () => {
    const { notes } = await compare("folded", ["a.pt", "b.pt"], "a.onnx");
    expect(notes!.join(" ")).toContain("folded");
    expect(notes!.join(" ")).not.toContain("recalibrate"); // it could not
    const [a, b] = ["a.pt", "b.pt"].map((end) => at("folded", end));
    const data = { name: `npz:${at("folded", "data.npz")}` };
    const measured = { a, b, model: { name: at("folded", "a.onnx") }, data, scans: [] };
    const { checked } = await merge({ a, b, out: at("folded", "merged.pt"), measure: measured });
    const { cells } = JSON.parse(readFileSync(at("folded", "truth.json"), "utf8")) as Truth;
    expect(Math.abs(checked!.loss! - cells.find((cell) => cell.layer === null)!.loss)).toBeLessThan(1e-4);
  });
  it("a graph that keeps its batch normalisations, with averaged or recalibrated statistics", async () => {
    await compare("folded", ["a.pt", "b.pt"], "a-kept.onnx");
    const { fresh } = JSON.parse(readFileSync(at("folded", "truth.json"), "utf8")) as { fresh: [number, number] };
    for (const [model, ...ends] of [
      [at("folded", "a-kept.onnx"), "a.pt", "b.pt"],
      [undefined, "a-kept.onnx", "b-kept.onnx"],
    ]) {
      const { document } = await measure({
        a: at("folded", ends[0]!),
        b: at("folded", ends[1]!),
        model: { name: model },
        data: { name: `npz:${at("folded", "data.npz")}` },
        scans: ["full"],
        statistics: "recalibrate",
      });
      expect(Math.abs(document.cells[0].loss!.value! - fresh[0])).toBeLessThan(1e-4);
    }
  });
  it("two .onnx files are as far apart, layer by layer, as the state dicts they come from", async () => {
    const [graphs, dicts] = await Promise.all(
      ["onnx", "pt"].map((format) =>
        compareFiles(at("plain", `a.${format}`), at("plain", `b.${format}`), { init: at("plain", `a.${format}`) }),
      ),
    );
    const sorted = (names: string[]) => names.sort();
    expect(sorted(graphs.layers.map(({ name }) => name))).toEqual(sorted(dicts.layers.map(({ name }) => name)));
    for (const [name, { euclidean, cosine }] of Object.entries(dicts.distance.layers)) {
      expect(graphs.distance.layers[name].euclidean, name).toBeCloseTo(euclidean, 6);
      expect(graphs.distance.layers[name].cosine, name).toBeCloseTo(cosine!, 6);
    }
    expect(graphs.distance.from_init!.b.full.euclidean).toBeCloseTo(dicts.distance.full.euclidean, 6);
    await expect(compareFiles(at("plain", "a.onnx"), at("folded", "b.onnx"))).rejects.toThrow("The graphs in");
  });
  it("merges two .onnx files into one that gives PyTorch's loss", async () => {
    const [a, b] = [at("plain", "a.onnx"), at("plain", "b.onnx")];
    const out = at("plain", "merged.onnx");
    const measured = { a, b, model: {}, data: { name: `npz:${at("plain", "data.npz")}` }, scans: [] };
    const { checked } = await merge({ a, b, out, measure: measured });
    const { cells } = JSON.parse(readFileSync(at("plain", "truth.json"), "utf8")) as Truth;
    expect(Math.abs(checked!.loss! - cells.find((cell) => cell.layer === null)!.loss)).toBeLessThan(1e-4);
  });
});
