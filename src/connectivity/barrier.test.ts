import { describe, expect, it } from "vitest";
import { randomStream } from "../core/index.ts";
import { groupLayers, matchLayers } from "../models/index.ts";
import { mixKey, mixOf, Scores } from "../sweep/index.ts";
import { summarise } from "./barrier.ts";
import { differenceInterval, errorInterval, meanInterval } from "./interval.ts";
import { parseScans, planCells } from "./scans.ts";
import { decide } from "./verdict.ts";

/** Summarises an average from its scores and the ends' scores. */
function summariseRows(rows: Record<"m" | "a" | "b", { loss: number[]; error: number[] }>, alpha: number) {
  const mix = mixOf(["x"], { averaged: ["x"], alpha });
  const keys = { m: mixKey(mix), a: "a", b: "b" };
  const entries = Object.entries(rows).map(([name, { loss, error }]) => {
    return [keys[name as "m"], { loss: Float32Array.from(loss), error: Float32Array.from(error) }] as const;
  });
  return summarise(new Scores(new Map(entries)), mix, alpha);
}

describe("the barrier", () => {
  it("is the average's value minus the weighted mean of the ends' values", () => {
    const cell = summariseRows(
      { m: { loss: [3, 5], error: [1, 0] }, a: { loss: [1, 2], error: [0, 0] }, b: { loss: [2, 4], error: [1, 0] } },
      0.25,
    );
    expect(cell.loss.value).toBe(4);
    expect(cell.loss.barrier).toBeCloseTo(4 - (0.75 * 1.5 + 0.25 * 3), 12);
    expect(cell.error.value).toBe(50);
    expect(cell.error.barrier).toBeCloseTo(50 - 12.5, 12);
  });

  it("is null where a loss is not finite", () => {
    const end = { loss: [1, 1], error: [0, 0] };
    const cell = summariseRows({ m: { loss: [Number.POSITIVE_INFINITY, 1], error: [1, 0] }, a: end, b: end }, 0.5);
    expect(cell.loss).toEqual({ value: null, barrier: null, interval: null });
    expect(cell.error.barrier).toBe(50);
  });
});

describe("95 % intervals", () => {
  const random = randomStream(3, "coverage");
  const coverage = (
    n: number,
    truth: number,
    draw: () => number,
    interval: (x: number[]) => [number, number] | null,
  ) => {
    let hits = 0;
    for (let i = 0; i < 3000; i++) {
      const [low, high] = interval(Array.from({ length: n }, draw))!;
      if (low <= truth && truth <= high) hits++;
    }
    return hits / 3000;
  };

  it("cover a normal and a skewed mean", () => {
    for (const n of [200, 1000]) {
      expect(Math.abs(coverage(n, 0.3, () => 0.3 + random.normal(), meanInterval) - 0.95)).toBeLessThan(0.02);
      expect(Math.abs(coverage(n, 1, () => -Math.log(1 - random.uniform()), meanInterval) - 0.95)).toBeLessThan(0.02);
    }
  });

  it("cover differences of 0/1 errors, and keep a width where all are zero", () => {
    const draw = (worse: number, better: number) => () => {
      const u = random.uniform();
      return u < worse ? 1 : u < worse + better ? -1 : u < worse + better + 0.1 ? 0.5 : 0;
    };
    for (const [worse, better] of [
      [0.3, 0.02],
      [0.05, 0.04],
    ]) {
      expect(Math.abs(coverage(500, worse - better + 0.05, draw(worse, better), errorInterval) - 0.95)).toBeLessThan(
        0.02,
      );
    }
    const rare = coverage(500, 0.002, () => (random.uniform() < 0.002 ? 1 : 0), errorInterval);
    expect(rare).toBeGreaterThan(0.93); // conservative where the plain interval covers 63 %
    expect(
      differenceInterval(
        [0, 1, 0.5],
        [
          [0, 1, 0],
          [1, 0, 1],
        ],
      ),
    ).toEqual(errorInterval([0, 1, 0.5]));
    const shares = [
      [0.41, 0.38, 0.44],
      [0.4, 0.39, 0.42],
    ]; // fractions of a text's characters
    expect(differenceInterval([0.01, 0.02, 0.03], shares)).toEqual(meanInterval([0.01, 0.02, 0.03]));
    const [low, high] = errorInterval(Array(500).fill(0))!;
    expect(low).toBeLessThan(0);
    expect(high).toBeGreaterThan(0.003); // the rule of three gives .006
  });
});

describe("layers", () => {
  const tensors = ["wte.weight", "h.0.ln.weight", "h.0.ln.bias", "h.1.fc.weight", "head.weight"].map((name) => ({
    name,
    dtype: "float32" as const,
    shape: [2, 3],
  }));

  it("group a module's tensors; a tied tensor takes the position of its last name and counts once", () => {
    const layers = groupLayers(tensors, { tied: [["wte.weight", "head.weight"]] });
    expect(layers.map((l) => [l.name, l.parameters.length, l.size])).toEqual([
      ["h.0.ln", 2, 12],
      ["h.1.fc", 1, 6],
      ["head", 2, 6],
    ]);
    expect(groupLayers(tensors, { group: "block" }).map((l) => l.name)).toEqual(["wte", "h.0", "h.1", "head"]);
    expect(groupLayers(tensors, { group: "tensor" }).length).toBe(5);
  });

  it("are chosen by globs", () => {
    const layers = groupLayers(tensors);
    expect(matchLayers(layers, ["h.**"]).map((l) => l.name)).toEqual(["h.0.ln", "h.1.fc"]);
    expect(matchLayers(layers, ["h.*.fc", "wte"]).map((l) => l.name)).toEqual(["wte", "h.1.fc"]);
    const tied = groupLayers(
      ["shared.weight", "encoder.embed_tokens.weight", "encoder.fc.weight", "lm_head.weight"].map((name) => ({
        name,
        dtype: "float32",
        shape: [4, 2],
      })),
      { tied: [["shared.weight", "encoder.embed_tokens.weight", "lm_head.weight"]] },
    );
    for (const name of ["shared", "encoder.embed_tokens", "lm_head"])
      expect(matchLayers(tied, [name]).map((l) => l.name)).toEqual(["lm_head"]);
    expect(matchLayers(tied, ["encoder.**"]).map((l) => l.name)).toEqual(["encoder.fc"]);
    expect(() => matchLayers(layers, ["haed"])).toThrow("No layer matches haed; did you mean head?");
  });
});

describe("scans", () => {
  const names = Array.from({ length: 12 }, (_, i) => `l${i}`);
  const cells = (scan: string) => planCells(names, parseScans(scan), { base: "a", orderSeed: 111 });

  it("add one layer at a time, each in its own order, and end with all layers", () => {
    for (const scan of ["shallow", "deep", "random", "minimal"]) {
      const planned = cells(scan);
      planned.forEach((cell, i) => {
        expect(cell.averaged.length).toBe(i + 1);
        expect(cell.averaged.at(-1)).toBe(cell.layer);
        if (i) expect(cell.averaged.slice(0, -1)).toEqual(planned[i - 1].averaged);
      });
      expect(planned.at(-1)!.averaged.toSorted()).toEqual(names.toSorted());
    }
    expect(
      cells("minimal")
        .map((c) => c.layer)
        .slice(0, 11),
    ).toEqual([...names.slice(0, 5), ...names.slice(-5), "l5"]);
    expect(cells("window:3").map((c) => c.averaged)[1]).toEqual(["l1", "l2", "l3"]);
    expect(planCells(names, ["full"], { base: "both", orderSeed: 1 })).toEqual([
      { scan: "full", layer: null, averaged: names, base: null, alpha: 0.5 },
    ]);
    expect(planCells(names, ["single"], { base: "both", orderSeed: 1 }).length).toBe(24);
  });

  it("suggest the nearest name for an unknown one", () => {
    expect(() => parseScans("single,shalow")).toThrow("There is no scan shalow; did you mean shallow?");
    expect(() => parseScans("window:0")).toThrow("There is no scan window:0");
  });
});

describe("the verdict", () => {
  const cell = (layer: string | null, low: number, high: number, scan = "single") => ({
    scan,
    layer,
    alpha: 0.5,
    loss: { value: 1, barrier: (low + high) / 2, interval: [low, high] as [number, number] },
  });

  it("averages, keeps or leaves undecided by the intervals on every base", () => {
    const verdict = decide([
      cell("x", 0, 0.04),
      cell("x", 0, 0.049),
      cell("y", 0.06, 0.2),
      cell("y", 0, 0.01),
      cell("z", 0.01, 0.2),
      cell(null, 0.3, 0.5, "full"),
    ]);
    expect([verdict.average, verdict.keep, verdict.undecided]).toEqual([["x"], ["y"], ["z"]]);
    expect(verdict.tolerance).toBe(0.05);
    expect(decide([cell("x", 0, 0.1), cell(null, 1, 3, "full")]).average).toEqual(["x"]); // a tenth of the full barrier
  });

  it("says that the ends' losses differ, if half of that exceeds the tolerance", () => {
    const reason = (gap: number) => decide([cell("x", 0, 0.04)], { gap }).reason;
    expect(reason(0.5)).toContain(" The losses of the ends differ by 0.5 nats,");
    expect(reason(0.1)).not.toContain("differ");
    expect(decide([cell(null, 0, 1, "full")], { gap: 0.5 }).reason).not.toContain("differ");
  });

  it("is about one alpha: 0.5, or the nearest to it", () => {
    const at = (alpha: number, high: number) => ({ ...cell("x", 0, high), alpha });
    expect(decide([at(0, 9), at(0.5, 0.01), at(1, 9)])).toMatchObject({ average: ["x"], alpha: 0.5 });
    const verdict = decide([at(0, 0.01), at(0.3, 9), { ...cell(null, 2, 4, "full"), alpha: 0.3 }]);
    expect(verdict).toMatchObject({ undecided: ["x"], alpha: 0.3 });
    expect(verdict.tolerance).toBeCloseTo(0.3, 12);
    expect(verdict.reason).toContain("at alpha 0.3");
  });
});
