import { expect, it } from "vitest";
import type { Measured } from "../../report/index.ts";
import { combinePairs } from "./repetitions.ts";

const point = (epoch: number, barrier: number | null): Measured =>
  ({
    epoch,
    split: "train",
    document: {
      distance: {
        full: { euclidean: epoch, cosine: 1 },
        layers: { x: { euclidean: barrier ?? 0, cosine: null } },
      },
      layers: [{ name: "x", parameters: ["x.weight"], size: 4 }],
      ends: { a: { loss: 1, error: 10 }, b: { loss: 2, error: 20 } },
      cells: [
        {
          scan: "full",
          layer: null,
          averaged: ["x"],
          base: null,
          alpha: 0.5,
          loss: { value: barrier, barrier, interval: barrier === null ? null : [barrier - 0.1, barrier + 0.1] },
          error: { value: 50, barrier: 30, interval: [29, 31] },
        },
      ],
    },
  }) as unknown as Measured;

it("takes means of values and hulls of intervals, and drops points that a pair lacks", () => {
  const [found, ...others] = combinePairs([[point(5, 1), point(9, 1)], [point(5, 3)]]);
  expect(others).toEqual([]);
  const [cell] = found.document.cells;
  expect(cell.loss).toEqual({ value: 2, barrier: 2, interval: [0.9, 3.1] });
  expect(cell.error).toEqual({ value: 50, barrier: 30, interval: [29, 31] });
  expect(found.document.shares?.loss?.even).toBe(2);
  expect(found.document.distance.full).toEqual({ euclidean: 5, cosine: 1 });
  expect(found.document.distance.layers.x).toEqual({ euclidean: 2, cosine: null });
});

it("keeps a value that is not finite in one pair as not finite", () => {
  const [cell] = combinePairs([[point(5, 1)], [point(5, null)]])[0].document.cells;
  expect(cell.loss).toEqual({ value: null, barrier: null, interval: null });
});

it("returns a single pair unchanged", () => {
  const points = [point(0, 1)];
  expect(combinePairs([points])).toEqual(points);
});

it("drops cells that a pair lacks, such as those of a base that only another recipe needs", () => {
  const more = point(5, 1);
  const extra = { ...more.document.cells[0], scan: "single", layer: "x", base: "b" as const };
  const found = combinePairs([
    [{ ...more, document: { ...more.document, cells: [extra, ...more.document.cells] } }],
    [point(5, 3)],
  ]);
  expect(found[0].document.cells.map(({ scan, loss }) => [scan, loss?.value])).toEqual([["full", 2]]);
});

it("takes the perplexity of the mean loss, and none if the pairs have none", () => {
  const text = (loss: number): Measured => {
    const { document, ...rest } = point(5, loss);
    const cells = document.cells.map((cell) => ({ ...cell, perplexity: Math.exp(loss) }));
    const end = { loss, error: 10, perplexity: Math.exp(loss) };
    return { ...rest, document: { ...document, cells, ends: { a: end, b: end } } };
  };
  const [{ document }] = combinePairs([[text(1)], [text(3)]]);
  expect(document.cells[0].perplexity).toBe(Math.exp(2));
  expect(document.ends.a.perplexity).toBe(Math.exp(2));
  const [plain] = combinePairs([[point(5, 1)], [point(5, 3)]]);
  expect(JSON.stringify(plain.document)).not.toContain("perplexity");
});
