import { describe, expect, it } from "vitest";
import type { Cell, Measurement } from "../../connectivity/index.ts";
import type { Measured } from "../../report/index.ts";
import { mixKey, mixOf, Scores } from "../../sweep/index.ts";
import { type Claim, claimSchema } from "../recipe/index.ts";
import { judgeClaims } from "./judge.ts";

type Base = "a" | "b";

const names = ["x", "y", "z"];

const cell = (scan: string, averaged: string[], barrier: number | null, base: Base = "a"): Cell => ({
  scan,
  layer: scan === "full" ? null : averaged.at(-1)!,
  averaged,
  base: scan === "full" ? null : base,
  alpha: 0.5,
  loss:
    barrier === null
      ? { value: null, barrier: null, interval: null }
      : { value: 1 + barrier, barrier, interval: [barrier - 0.01, barrier + 0.01] },
  error: { value: 89, barrier: 10, interval: [9, 11] },
});

const point = (epoch: number, cells: Cell[]): Measured => ({
  epoch,
  split: "train",
  document: {
    model: { name: "net", classes: 10 },
    layers: names.map((name) => ({ name, parameters: [name], size: 1 })),
    cells,
  } as unknown as Measurement,
});

const count = 400;
/**
 * Scores of the cells' mixes: the ends lose 1, an average the barrier more, times what `weight` gives a sample (on
 * average 1); 89 % are wrong.
 */
function tableOf({ document: { cells } }: Measured, weight: (sample: number) => number): Scores {
  const error = Float32Array.from({ length: count }, (_, i) => Number(i % 100 < 89));
  const row = (barrier: number) => ({
    loss: Float32Array.from({ length: count }, (_, i) => 1 + barrier * weight(i)),
    error,
  });
  const rows = new Map([
    ...["a", "b"].map((end) => [names.map(() => end).join(" "), row(0)] as const),
    ...cells.map((one) => [mixKey(mixOf(names, one)), row(one.loss?.barrier ?? Number.NaN)] as const),
  ]);
  return new Scores(rows);
}
/** Samples between nothing and twice the mean: the mean's interval reaches about a tenth to either side. */
const spread = (i: number) => 2 * (i % 2);

const claim = (values: Partial<Claim> & Pick<Claim, "take">) => claimSchema.parse({ says: "it", ...values });
async function judged(values: Partial<Claim> & Pick<Claim, "take">, points: Measured[], weights = [spread]) {
  return (await judgeClaims([claim(values)], points, async (at) => weights.map((weight) => tableOf(at, weight))))[0];
}
const verdict = async (values: Partial<Claim> & Pick<Claim, "take">, ...points: Measured[]) =>
  (await judged(values, points)).verdict;

describe("claims", () => {
  const cells = [
    cell("single", ["x"], 0.02),
    cell("single", ["y"], 0.05),
    cell("single", ["z"], 0.5),
    cell("shallow", ["x"], 0.02),
    cell("full", names, 1),
  ];

  it("hold, do not hold, or stay open by the interval", async () => {
    expect(await verdict({ take: "full", above: 0.85 }, point(1, cells))).toBe("holds");
    expect(await verdict({ take: "full", below: 0.85 }, point(1, cells))).toBe("does not hold");
    expect(await verdict({ take: "full", below: 1.05 }, point(1, cells))).toBe("undecided");
    expect(await verdict({ take: "full", above: 0 }, point(1, [cell("full", names, null)]))).toBe("undecided");
    expect(await verdict({ take: "full", above: 0 })).toBe("undecided");
  });

  it("take their quantity, and a multiple of the full barrier as their limit", async () => {
    const at = point(1, cells);
    expect(await verdict({ take: "largest single", below: 0.1, of: "full" }, at)).toBe("does not hold");
    expect(await verdict({ take: "largest single but the last", below: 0.1, of: "full" }, at)).toBe("holds");
    expect(await verdict({ take: "single of the last", above: 0.4 }, at)).toBe("holds");
    expect(await verdict({ take: "median single", below: 0.1 }, at)).toBe("holds");
    expect(await verdict({ take: "third of shallow", below: 0.1 }, at)).toBe("holds");
    expect((await judged({ take: "distance from chance", metric: "error", below: 5 }, [at])).numbers).toMatch(
      /^1\.0 \[.*\] against 5\.0 at 1$/,
    );
  });

  it("about the largest layer are judged for each: the widest interval counts too, and one that is not finite", async () => {
    const open = [cell("single", ["x"], 0.06), cell("single", ["y"], 0.055), cell("full", names, 1)];
    const weigh = (at: Measured, wide: string): Scores => {
      const table = tableOf(at, () => 1);
      const scores = table.of(mixOf(names, cell("single", [wide], 0)));
      scores.loss.forEach((_, i) => {
        scores.loss[i] += i % 2 ? 1 : -1;
      });
      return table;
    };
    const largest = (limit: object, cells: Cell[], wide?: string) =>
      judgeClaims([claim({ take: "largest single", ...limit })], [point(1, cells)], async (at) => [
        wide ? weigh(at, wide) : tableOf(at, () => 1),
      ]);
    expect((await largest({ below: 0.1 }, open))[0].verdict).toBe("holds");
    expect((await largest({ below: 0.1 }, open, "y"))[0]).toMatchObject({
      verdict: "undecided",
      numbers: expect.stringMatching(/^0\.055 /),
    });
    expect((await largest({ above: 0.01 }, open, "y"))[0].verdict).toBe("holds");
    const infinite = [...open, cell("single", ["z"], null)];
    expect((await largest({ below: 0.1 }, infinite))[0].verdict).toBe("does not hold");
    expect((await largest({ above: 0.01 }, infinite))[0].verdict).toBe("holds");
    expect(
      await verdict({ take: "third of shallow", below: 0.1 }, point(1, [...cells, cell("shallow", names, null)])),
    ).toBe("holds");
  });

  it("compare with a share of the full barrier sample by sample", async () => {
    const near = [cell("single", ["x"], 0.49), cell("full", names, 1)]; // samples that vary together differ by little
    expect(await verdict({ take: "largest single", below: 0.5, of: "full" }, point(1, near))).toBe("holds");
    expect(await verdict({ take: "largest single", below: 0.5 }, point(1, near))).toBe("undecided");
  });

  it("take the mean over the bases, and over pairs the widest reach", async () => {
    const both = [cell("single", ["x"], 0.1, "a"), cell("single", ["x"], 0.3, "b"), cell("full", names, 1)];
    const { numbers } = await judged({ take: "largest single", above: 0.1 }, [point(1, both)], [() => 1]);
    expect(numbers).toBe("0.200 [0.200, 0.200] against 0.100 at 1");
    const pairs = await judged({ take: "largest single", above: 0.1 }, [point(1, both)], [() => 1, () => 2]);
    expect(pairs.numbers).toBe("0.300 [0.200, 0.400] against 0.100 at 1");
  });

  it("stay open where there is no clear full barrier to take a share of", async () => {
    const weak = [cell("single", ["x"], 0.5), cell("full", names, 0.005)];
    expect(await verdict({ take: "largest single", above: 0.1, of: "full" }, point(1, weak))).toBe("undecided");
    expect(() => claim({ take: "full" })).toThrow("one limit");
    expect(() => claim({ take: "full", above: 0, below: 1 })).toThrow("one limit");
  });

  it("at each point after the initialisation the worst decides, at some point the best", async () => {
    const bad = point(0, [cell("full", names, 5)]);
    const good = point(2, [cell("full", names, 0)]);
    const later = { ...bad, epoch: 4 };
    expect(await verdict({ take: "full", below: 0.1, at: "each" }, bad, good)).toBe("holds");
    expect(await verdict({ take: "full", below: 0.1, at: "each" }, bad, good, later)).toBe("does not hold");
    expect(await verdict({ take: "full", below: 0.1, at: "some" }, bad, good, later)).toBe("holds");
    expect(await verdict({ take: "full", below: 0.1, at: "some" }, bad)).toBe("undecided");
  });
});
