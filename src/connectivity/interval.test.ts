import fc from "fast-check";
import { expect, it } from "vitest";
import { differenceInterval, errorInterval, mean, meanInterval } from "./interval.ts";

const samples = fc.array(
  fc.record({ x: fc.integer({ min: -50, max: 50 }).map((n) => n / 10), weight: fc.nat({ max: 6 }) }),
  { minLength: 3, maxLength: 30 },
);

it("equal weights change nothing, and samples of weight zero do not count", () => {
  fc.assert(
    fc.property(samples, fc.integer({ min: 1, max: 9 }), (drawn, weight) => {
      const values = drawn.map(({ x }) => x);
      const alone = values.map(() => weight);
      const more = [...values, Number.NaN, 7];
      for (const of of [meanInterval, errorInterval]) {
        expect(of(values, alone)).toEqual(of(values));
        expect(of(more, [...alone, 0, 0])).toEqual(of(values));
      }
      expect(mean(more, [...alone, 0, 0])).toBeCloseTo(mean(values), 9);
      const right = values.map((x) => Number(x > 0));
      expect(differenceInterval(more, [[...right, 0.5, 0.5]], [...alone, 0, 0])).toEqual(errorInterval(values));
    }),
  );
});

it("the interval of a ratio of sums uses the linearised variance", () => {
  fc.assert(
    fc.property(samples, (drawn) => {
      const used = drawn.filter(({ weight }) => weight > 0);
      fc.pre(used.length > 2);
      const [n, total] = [used.length, used.reduce((sum, { weight }) => sum + weight, 0)];
      const ratio = used.reduce((sum, { x, weight }) => sum + weight * x, 0) / total;
      const squares = used.reduce((sum, { x, weight }) => sum + (weight * (x - ratio)) ** 2, 0);
      const [values, weights] = [drawn.map(({ x }) => x), drawn.map(({ weight }) => weight)];
      const [low, high] = meanInterval(values, weights)!;
      expect(mean(values, weights)).toBeCloseTo(ratio, 9);
      expect((high - low) / 2).toBeCloseTo((1.959963984540054 * Math.sqrt((squares * n) / (n - 1))) / total, 9);
      expect((high + low) / 2).toBeCloseTo(ratio, 9);
    }),
  );
});

it("adds two samples of the mean weight to errors, so the interval keeps a width", () => {
  const [low, high] = errorInterval([0, 0, 0, 0], [1, 2, 3, 4])!;
  expect(high).toBeCloseTo((1.959963984540054 * Math.sqrt(2)) / 6, 12);
  expect(low).toBeCloseTo(-high, 12);
});
