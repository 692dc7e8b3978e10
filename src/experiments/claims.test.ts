import { describe, expect, it } from "vitest";
import type { Measurement } from "../connectivity/index.ts";
import type { Measured } from "../report/index.ts";
import { judgeClaims } from "./claims.ts";
import { type Claim, claimSchema } from "./recipe.ts";

type Cell = Measurement["cells"][number];

const cell = (scan: string, averaged: string[], barrier: number | null, half = 0.01): Cell => ({
  scan,
  layer: scan === "full" ? null : averaged.at(-1)!,
  averaged,
  base: scan === "full" ? null : "a",
  alpha: 0.5,
  loss: barrier === null ? null : 1 + barrier,
  error: 89,
  loss_barrier: barrier,
  loss_interval: barrier === null ? null : [barrier - half, barrier + half],
  error_barrier: 10,
  error_interval: [9, 11],
});

const names = ["x", "y", "z"];
const point = (epoch: number, cells: Cell[]): Measured => ({
  epoch,
  split: "train",
  document: {
    model: { name: "net", classes: 10 },
    data: { samples: 1000 },
    layers: names.map((name) => ({ name, parameters: [name], size: 1 })),
    cells,
  } as unknown as Measurement,
});
const claim = (values: Partial<Claim> & Pick<Claim, "take">) => claimSchema.parse({ says: "it", ...values });
const verdict = (values: Partial<Claim> & Pick<Claim, "take">, ...points: Measured[]) =>
  judgeClaims([claim(values)], points)[0].verdict;

describe("claims", () => {
  const cells = [
    cell("single", ["x"], 0.02),
    cell("single", ["y"], 0.05),
    cell("single", ["z"], 0.5),
    cell("shallow", ["x"], 0.02),
    cell("full", names, 1),
  ];

  it("hold, do not hold, or stay open by the interval", () => {
    expect(verdict({ take: "full", above: 0.9 }, point(1, cells))).toBe("holds");
    expect(verdict({ take: "full", below: 0.9 }, point(1, cells))).toBe("does not hold");
    expect(verdict({ take: "full", below: 1 }, point(1, cells))).toBe("undecided");
    expect(verdict({ take: "full", above: 0 }, point(1, [cell("full", names, null)]))).toBe("undecided");
    expect(verdict({ take: "full", above: 0 })).toBe("undecided");
  });

  it("take their quantity, and a multiple of the full barrier as their limit", () => {
    expect(verdict({ take: "largest single", below: 0.1, of: "full" }, point(1, cells))).toBe("does not hold");
    expect(verdict({ take: "largest single but the last", below: 0.1, of: "full" }, point(1, cells))).toBe("holds");
    expect(verdict({ take: "single of the last", above: 0.4 }, point(1, cells))).toBe("holds");
    expect(verdict({ take: "median single", below: 0.1 }, point(1, cells))).toBe("holds");
    expect(verdict({ take: "third of shallow", below: 0.1 }, point(1, cells))).toBe("holds");
    expect(verdict({ take: "distance from chance", metric: "error", below: 5 }, point(1, cells))).toBe("holds");
  });

  it("stay open where there is no clear full barrier to take a share of", () => {
    const weak = [cell("single", ["x"], 0.5), cell("full", names, 0.005)];
    expect(verdict({ take: "largest single", above: 0.1, of: "full" }, point(1, weak))).toBe("undecided");
    expect(() => claim({ take: "full" })).toThrow("one limit");
    expect(() => claim({ take: "full", above: 0, below: 1 })).toThrow("one limit");
  });

  it("at each point after the initialisation the worst decides, at some point the best", () => {
    const bad = point(0, [cell("full", names, 5)]);
    const good = point(2, [cell("full", names, 0)]);
    expect(verdict({ take: "full", below: 0.1, at: "each" }, bad, good)).toBe("holds");
    expect(verdict({ take: "full", below: 0.1, at: "each" }, bad, good, { ...bad, epoch: 4 })).toBe("does not hold");
    expect(verdict({ take: "full", below: 0.1, at: "some" }, bad, good, { ...bad, epoch: 4 })).toBe("holds");
    expect(verdict({ take: "full", below: 0.1, at: "some" }, bad)).toBe("undecided");
  });
});
