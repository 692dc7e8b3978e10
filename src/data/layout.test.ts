import fc from "fast-check";
import { expect, it } from "vitest";
import { type Tensor, tensor, toNumbers } from "../core/index.ts";
import { findLabels, layOut } from "./layout.ts";

const counted = (shape: readonly number[]): Tensor => {
  const size = shape.reduce((product, n) => product * n, 1);
  return tensor(
    "int64",
    shape,
    Array.from({ length: size }, (_, i) => i),
  );
};

/** The array with its first axis moved. */
function moved(array: Tensor, axis: number): Tensor {
  const [count, ...sample] = array.shape;
  const shape = sample.toSpliced(axis, 0, count);
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((product, n) => product * n, 1));
  const size = array.data.length / count;
  const own = sample.map((_, i) => sample.slice(i + 1).reduce((product, n) => product * n, 1));
  const data = new Array<number>(array.data.length);
  toNumbers(array).forEach((value, at) => {
    const within = at % size;
    const places = sample.map((n, i) => Math.floor(within / own[i]) % n).toSpliced(axis, 0, Math.floor(at / size));
    data[places.reduce((sum, place, i) => sum + place * strides[i], 0)] = value;
  });
  return tensor(array.dtype, shape, data);
}

const labels = (count: number) => counted([count]);

it("gives the same samples in either layout, samples first or as in the graph, for any batch axis", () => {
  const sizes = fc.uniqueArray(fc.integer({ min: 2, max: 9 }), { minLength: 2, maxLength: 4 });
  fc.assert(
    fc.property(sizes, fc.nat(), ([count, ...sample], seed) => {
      const axis = seed % (sample.length + 1);
      const x = counted([count, ...sample]);
      const declared = { inputs: [{ name: "x", dtype: undefined, shape: sample.toSpliced(axis, 0, "n" as never) }] };
      for (const array of [x, moved(x, axis)]) {
        const laid = layOut("f", { inputs: new Map([["any", array]]), labels: labels(count) }, declared);
        expect(laid.count).toBe(count);
        expect(laid.inputs.get("any")).toEqual({ array: x, axis, dtype: undefined });
      }
    }),
  );
});

it("uses first axes without a graph, for any sizes", () => {
  const inputs = new Map([["x", counted([5, 3])]]);
  expect(layOut("f", { inputs, labels: labels(5) }).inputs.get("x")!.axis).toBe(0);
  expect(() => layOut("f", { inputs, labels: labels(4) })).toThrow(
    "f has 5 samples in x but 4 in labels. Give arrays with equal first axes.",
  );
});

it("accepts a fixed batch, a batch of one with any length, and an array for all samples", () => {
  const port = (name: string, ...shape: (number | string | undefined)[]) => ({ name, dtype: undefined, shape });
  const axesOf = (inputs: Record<string, Tensor>, count: number, ports: ReturnType<typeof port>[]) => {
    const laid = layOut("f", { inputs: new Map(Object.entries(inputs)), labels: labels(count) }, { inputs: ports });
    expect(laid.count).toBe(count);
    return [...laid.inputs.values()].map(({ axis }) => axis);
  };
  expect(axesOf({ x: counted([12, 3]) }, 12, [port("x", 5, 3)])).toEqual([0]);
  expect(axesOf({ x: counted([12, 7]) }, 12, [port("x", 1, "t")])).toEqual([0]);
  expect(axesOf({ x: counted([1, 7]) }, 1, [port("x", 1, "t")])).toEqual([0]);
  expect(axesOf({ x: counted([12, 7, 3]) }, 12, [port("x", 7, 5, 3)])).toEqual([1]); // a fixed batch of five
  const mask = port("mask", "t", "t");
  expect(axesOf({ x: counted([12, 7]), mask: counted([7, 7]) }, 12, [port("x", "n", "t"), mask])).toEqual([0, null]);
  const state = port("h", 1, undefined, 3);
  expect(axesOf({ x: counted([12, 7]), h: counted([1, 12, 3]) }, 12, [port("x", "n", "t"), state])).toEqual([0, 1]);
  expect(axesOf({ x: counted([12, 7]), h: counted([12, 1, 3]) }, 12, [port("x", "n", "t"), state])).toEqual([0, 1]);
});

it("finds the labels under a usual name that is not an input", () => {
  const arrays = (...names: string[]) => new Map(names.map((name) => [name, counted([1])]));
  const declared = { inputs: [{ name: "target", dtype: undefined, shape: undefined }] };
  expect(findLabels("f", arrays("x", "labels", "y"))).toBe("labels");
  expect(findLabels("f", arrays("x", "y"))).toBe("y");
  expect(findLabels("f", arrays("target", "y"), declared)).toBe("y");
  expect(() => findLabels("f", arrays("target", "x"), declared)).toThrow(
    "no array named labels. Its arrays are target, x",
  );
  expect(() =>
    findLabels(
      "f",
      arrays("x"),
      undefined,
      new Map([
        ["names", undefined],
        ["label", undefined],
      ]),
    ),
  ).toThrow(
    "f: label has strings or objects, but labels must be class indices, counted from 0, or values. In Python, save numpy.unique(label, return_inverse=True)[1] as label.",
  );
  expect(findLabels("f", arrays("x", "labels"), undefined, new Map([["label", undefined]]))).toBe("labels");
  expect(() => findLabels("f", arrays("x", "y", "label"))).toThrow(
    "no array named labels, but several that could be the labels: label, y",
  );
});
