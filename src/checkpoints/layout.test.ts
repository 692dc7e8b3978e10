import fc from "fast-check";
import { expect, it } from "vitest";
import { columnStrides, gather, isDense, rowStrides, spanOf, swapBytes } from "./layout.ts";

it("computes strides, density and span", () => {
  expect(rowStrides([2, 3, 4])).toEqual([12, 4, 1]);
  expect(columnStrides([2, 3, 4])).toEqual([1, 2, 6]);
  expect(isDense([2, 1, 3], [3, 99, 1])).toBe(true);
  expect(isDense([2, 3], [1, 2])).toBe(false);
  expect(isDense([0, 3], [7, 7])).toBe(true);
  expect([spanOf([2, 3], [10, 1]), spanOf([], []), spanOf([5, 0], [1, 1]), spanOf([4], [0])]).toEqual([13, 1, 0, 1]);
});

it("reverses the bytes of each element", () => {
  const bytes = Uint8Array.of(1, 2, 3, 4);
  swapBytes(bytes, 2);
  expect([...bytes]).toEqual([2, 1, 4, 3]);
});

it("gathers any strides as the definition says", () => {
  const axis = fc.record({ n: fc.integer({ min: 0, max: 4 }), stride: fc.integer({ min: 0, max: 7 }) });
  fc.assert(
    fc.property(fc.array(axis, { maxLength: 4 }), fc.constantFrom(1, 2, 4, 8), (axes, width) => {
      const shape = axes.map(({ n }) => n);
      const strides = axes.map(({ stride }) => stride);
      const bytes = Uint8Array.from({ length: spanOf(shape, strides) * width }, (_, i) => (i * 31) % 251);
      const wanted: number[] = [];
      const visit = (depth: number, at: number): void => {
        if (depth === shape.length) wanted.push(...bytes.subarray(at * width, (at + 1) * width));
        else for (let i = 0; i < shape[depth]; i++) visit(depth + 1, at + i * strides[depth]);
      };
      visit(0, 0);
      expect([...gather(bytes, width, shape, strides)]).toEqual(wanted);
      const unaligned = new Uint8Array(bytes.length + 1);
      unaligned.set(bytes, 1);
      expect([...gather(unaligned.subarray(1), width, shape, strides)]).toEqual(wanted);
    }),
    { numRuns: 300 },
  );
});
