// Merged files as others read them: PyTorch loads them and gets the logits of the average that it makes itself.
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { openCheckpoint, writeCheckpoint } from "../src/checkpoints/index.ts";
import { fromNumbers, isFloating, toNumbers, UserError } from "../src/core/index.ts";
import { merge } from "../src/merging/index.ts";
import { temporaryFolder } from "./checkpoints.ts";
import { findPython, runPython } from "./python.ts";
import { hasShared, sharedPath } from "./shared.ts";

const { python, note } = findPython("torch", "torchvision", "numpy");
const folder = temporaryFolder();
const fixture = (end: string) => sharedPath(`fixtures/resnet18bn-w8/${end}_epoch_10.pt`);
const converted = (end: string, extension: string) => join(folder, `${end}.${extension}`);

async function convert(end: string, extension: "safetensors" | "npz"): Promise<void> {
  const file = await openCheckpoint(fixture(end));
  await writeCheckpoint(
    converted(end, extension),
    extension,
    file.tensors.values(),
    file.read,
    extension === "npz" ? {} : { note: "kept" },
  );
  await file.close();
}

describe.skipIf(!hasShared)("merging (../shared/fixtures)", () => {
  beforeAll(async () => {
    for (const end of ["a", "b"])
      for (const extension of ["safetensors", "npz"] as const) await convert(end, extension);
  });

  it.skipIf(!python)(`writes files that PyTorch loads, with the logits of its own average${note}`, async () => {
    const ends = {
      pt: fixture,
      safetensors: (e: string) => converted(e, "safetensors"),
      npz: (e: string) => converted(e, "npz"),
    };
    const outs = [];
    let averaged: string[] = [];
    for (const [extension, end] of Object.entries(ends)) {
      const out = join(folder, `merged.${extension}`);
      const record = await merge({ a: end("a"), b: end("b"), out, layers: ["layer4.**", "fc"] });
      averaged = Object.keys(record.averaged);
      expect(JSON.parse(readFileSync(`${out}.merge.json`, "utf8"))).toEqual(record);
      outs.push(out);
    }
    expect(averaged).toContain("layer4.0.bn1");
    const script = join(import.meta.dirname, "interop/load_merged.py");
    const args = [sharedPath("reference"), fixture("a"), fixture("b"), averaged.join(","), ...outs];
    const differences = JSON.parse(runPython(python!, [script, ...args])) as number[];
    expect(differences).toHaveLength(3);
    for (const difference of differences) expect(difference).toBeLessThan(1e-6);
  });

  it("keeps metadata, and everything else, byte for byte", async () => {
    const out = join(folder, "same.safetensors");
    const a = converted("a", "safetensors");
    await merge({ a, b: a, out });
    expect(readFileSync(out).equals(readFileSync(a))).toBe(true);
  });

  it("keeps a wrapped file's wrapper: names, accuracy and all", async () => {
    const public20 = sharedPath("data/checkpoints/resnet20-12fca82f.th");
    const out = join(folder, "merged.th");
    await merge({ a: public20, b: public20, out });
    expect(readFileSync(out).equals(readFileSync(public20))).toBe(true);
  });

  it("takes a weight for a layer, and keeps the rest from the base", async () => {
    const out = join(folder, "weights.npz");
    await merge({ a: converted("a", "npz"), b: converted("b", "npz"), out, layers: ["conv1=0.25"], base: "b" });
    const [a, b, m] = await Promise.all(
      [converted("a", "npz"), converted("b", "npz"), out].map((path) => openCheckpoint(path)),
    );
    const read = async (name: string) =>
      (await Promise.all([a, b, m].map((file) => file.read(name)))).map(({ data }) => Number(data[0]));
    const [x, y, z] = await read("conv1.weight");
    expect(z).toBeCloseTo(0.75 * x + 0.25 * y, 6);
    const [, kept, fc] = await read("fc.weight");
    expect(fc).toBe(kept);
    await Promise.all([a, b, m].map((file) => file.close()));
  });

  it("finds layers whose joint barrier stays within a budget, and checks the written file", async () => {
    const [a, b] = ["a", "b"].map((end) => sharedPath(`fixtures/resnet18-w8/${end}_epoch_30.pt`));
    const out = join(folder, "budget.pt");
    const data = { name: "cifar10", dir: sharedPath("data"), samples: 100 };
    const measure = { a, b, model: { name: "resnet18-nonorm" }, data, scans: [] };
    const { budget, checked, averaged } = await merge({ a, b, out, budget: { limit: 0.1, metric: "loss" }, measure });
    expect(budget!.barrier).toBeLessThanOrEqual(0.1);
    expect(Object.keys(averaged).length).toBeGreaterThan(2);
    expect(checked!.loss_barrier).toBeCloseTo(budget!.barrier!, 5);
    const nothing = await merge({ a, b, out, budget: { limit: 1e-9, metric: "loss" }, measure });
    expect(nothing.budget!.barrier).toBeLessThanOrEqual(1e-9);
  });

  it.each([
    { statistics: "a", base: "b" },
    { statistics: "recalibrate", base: "a" },
  ] as const)("judges the network that it writes: statistics $statistics, base $base", async (options) => {
    const [a, b] = ["a", "b"].map(fixture);
    const data = { name: "cifar10", dir: sharedPath("data"), samples: 48 };
    const measure = { a, b, model: { name: "resnet18" }, data, scans: [], statistics: options.statistics };
    const budget = { limit: 0.3, metric: "loss" } as const;
    const record = await merge({ a, b, out: join(folder, "judged.pt"), ...options, budget, measure });
    expect(Object.keys(record.averaged)).not.toEqual([]);
    expect(record.checked!.loss_barrier).toBeCloseTo(record.budget!.barrier!, 5);
  });

  it("writes recalibrated statistics in the precision of the file", async () => {
    const half = async (end: string) => {
      const file = await openCheckpoint(fixture(end));
      const path = join(folder, `${end}-half.safetensors`);
      const infos = [...file.tensors.values()].map((info) =>
        isFloating(info.dtype) ? { ...info, dtype: "float16" as const } : info,
      );
      const isHalf = new Map(infos.map(({ name, dtype }) => [name, dtype === "float16"]));
      await writeCheckpoint(path, "safetensors", infos, async (name) => {
        const own = await file.read(name);
        return isHalf.get(name) ? fromNumbers("float16", own.shape, toNumbers(own)) : own;
      });
      await file.close();
      return path;
    };
    const [a, b] = [await half("a"), await half("b")];
    const data = { name: "cifar10", dir: sharedPath("data"), samples: 32 };
    const measure = { a, b, model: { name: "resnet18" }, data, scans: [], statistics: "recalibrate" } as const;
    const out = join(folder, "half.safetensors");
    await merge({ a, b, out, statistics: "recalibrate", measure });
    const merged = await openCheckpoint(out);
    expect(merged.tensors.get("bn1.running_mean")?.dtype).toBe("float16");
    expect(Array.from(toNumbers(await merged.read("bn1.running_mean"))).every(Number.isFinite)).toBe(true);
    await merged.close();
  });

  it("says so when no layer can be averaged", async () => {
    const [a, b] = ["a", "b"].map(fixture);
    const data = { name: "cifar10", dir: sharedPath("data"), samples: 64 };
    const measure = { a, b, model: { name: "resnet18" }, data, scans: [], statistics: "recalibrate" } as const;
    const budget = { limit: -10, metric: "loss" } as const;
    const out = join(folder, "nothing.pt");
    const record = await merge({ a, b, out, statistics: "recalibrate", budget, measure });
    expect(record.averaged).toEqual({});
    expect(record.checked!.loss_barrier).toBeCloseTo(record.budget!.barrier!, 5);
  });

  it("checks a file against the ends at the weight it has", async () => {
    const [a, b] = ["a", "b"].map(fixture);
    const data = { name: "cifar10", dir: sharedPath("data"), samples: 64 };
    const options = {
      a,
      b,
      out: join(folder, "quarter.pt"),
      measure: { a, b, model: { name: "resnet18" }, data, scans: [] },
    };
    const [own, common] = [await merge({ ...options, layers: ["**=0.25"] }), await merge({ ...options, alpha: 0.25 })];
    expect(own.checked).toEqual(common.checked);
  });

  it("keeps what was there until all is done, and never an end's own place", async () => {
    mkdirSync(join(folder, "real"));
    symlinkSync(join(folder, "real"), join(folder, "link"));
    const end = join(folder, "real", "a.safetensors");
    copyFileSync(converted("a", "safetensors"), end);
    const b = converted("b", "safetensors");
    await expect(merge({ a: end, b, out: join(folder, "link", "a.safetensors") })).rejects.toThrow(
      "would be overwritten",
    );
    await expect(merge({ a: join(folder, "link", "a.safetensors"), b, out: end })).rejects.toThrow(
      "would be overwritten",
    );
    expect(readFileSync(end).equals(readFileSync(converted("a", "safetensors")))).toBe(true);
    const out = join(folder, "earlier.safetensors");
    writeFileSync(out, "earlier");
    mkdirSync(`${out}.merge.json`); // the record cannot be written
    await expect(merge({ a: end, b, out })).rejects.toThrow(UserError);
    expect(readFileSync(out, "utf8")).toBe("earlier");
    expect(readdirSync(folder).filter((file) => file.endsWith(".part"))).toEqual([]);
  });

  it("refuses a name of another format, and weights that are not finite", async () => {
    const [a, b] = ["a", "b"].map((end) => converted(end, "npz"));
    await expect(merge({ a, b, out: join(folder, "x.pt") })).rejects.toThrow("a name that ends in .npz");
    const broken = join(folder, "nan.npz");
    const file = await openCheckpoint(a);
    await writeCheckpoint(broken, "npz", file.tensors.values(), async (name) => {
      const read = await file.read(name);
      if (name === "fc.weight") (read.data as Float32Array)[3] = Number.NaN;
      return read;
    });
    await file.close();
    const out = join(folder, "x.npz");
    await expect(merge({ a, b: broken, out })).rejects.toThrow(/nan.npz contains NaN or infinite weights in fc.weight/);
    await merge({ a, b: broken, out, allowNonfinite: true });
  });

  it("leaves nothing behind when it fails", async () => {
    const out = join(folder, "none.pt");
    const fails = (options: Partial<Parameters<typeof merge>[0]>) =>
      expect(merge({ a: fixture("a"), b: fixture("b"), out, ...options })).rejects.toThrow(UserError);
    await fails({ layers: ["nosuch"] });
    await fails({ layers: ["fc=x"] });
    await fails({ budget: { limit: 1, metric: "loss" } });
    await fails({ b: sharedPath("fixtures/resnet18-w8/a_epoch_0.pt") });
    writeFileSync(join(folder, "file"), "");
    await fails({ out: join(folder, "file", "below.pt") });
    expect(existsSync(out)).toBe(false);
    expect(existsSync(`${out}.merge.json`)).toBe(false);
  });
});
