// Operations appended to a foreign graph: the same values in every operator set that ONNX Runtime runs.
import { describe, expect, it } from "vitest";
import { type Tensor, tensor, toNumbers } from "../core/index.ts";
import { Session } from "../runtime/index.ts";
import { crossEntropy } from "./composites.ts";
import { Graph, type Value } from "./graph.ts";
import {
  add,
  argMax,
  cast,
  div,
  equal,
  expand,
  greater,
  greaterOrEqual,
  log,
  logSoftmax,
  min,
  neg,
  oneHot,
  reduceMax,
  reduceMean,
  reduceSum,
  reshape,
  slice,
  softmax,
  sqrt,
  transpose,
  where,
} from "./ops/index.ts";
import { serialise } from "./serialise.ts";

const versions = Array.from({ length: 17 }, (_, i) => 7 + i);
const dialectOf = (version: number) => ({
  irVersion: version < 9 ? 3n : 8n,
  opsets: [{ domain: "", version: BigInt(version) }],
  functions: [],
});

const feeds: Record<string, Tensor> = {
  x: tensor(
    "float32",
    [2, 3, 4],
    [...Array(24).keys()].map((i) => Math.sin(7 * i) * 3 + (i === 5 ? -Infinity : 0)),
  ),
  y: tensor("float32", [3, 1], [0.5, -1, 2]),
  ids: tensor("int64", [2, 3], [3, 0, 2, 1, 1, 0]),
  lows: tensor("int64", [3], [1, 1, 1]),
};

function outputs(): Record<string, Value> {
  const graph = new Graph();
  const [x, y, ids, lows] = Object.entries(feeds).map(([name, { dtype, shape }]) => graph.input(name, dtype, shape));
  const float = (value: Value) => cast(value, "float32");
  return {
    loss: crossEntropy(y.graph.constant(tensor("float32", [2, 4], [1, 2, 3, 4, 0, 0, 1, 0])), slice(ids, 1, 0, 1)),
    right: float(equal(argMax(x, -1), ids)),
    sums: add(add(reduceSum(y, [0, 1]), reduceMean(y, [0, 1])), reduceMax(y, [0, 1])),
    logs: logSoftmax(y, 0),
    soft: softmax(add(transpose(y, [1, 0]), y), 0),
    expanded: expand(y, [2, 3, 4]),
    chosen: where(greater(x, y), x, y), // -inf is not chosen
    numbers: where(greaterOrEqual(ids, lows), ids, lows),
    over: float(greater(ids, lows)),
    least: min(x, y),
    leastInteger: min(ids, lows),
    picked: oneHot(ids, 4),
    part: slice(x, 2, 1, 3),
    rest: div(neg(sqrt(reshape(softmax(y, 0), [3]))), log(add(float(lows), 1))),
  };
}

async function run(version: number): Promise<Record<string, number[]>> {
  const session = await Session.load(serialise(outputs(), undefined, dialectOf(version)), { threads: 1 });
  const results = await session.run(feeds);
  await session.dispose();
  return Object.fromEntries(Object.entries(results).map(([name, found]) => [name, Array.from(toNumbers(found))]));
}

describe("layerwise's operations in the operator set of a model", () => {
  it.each(versions)("%i", async (version) => {
    const [found, wanted] = [await run(version), await run(20)];
    expect(Object.keys(found)).toEqual(Object.keys(wanted));
    for (const [name, values] of Object.entries(wanted))
      values.forEach((value, i) => {
        if (Number.isFinite(value)) expect(found[name][i], name).toBeCloseTo(value, 5);
        else expect(found[name][i], name).toBe(value);
      });
  });

  it("are refused where an operation has no older form, or the set is too old", () => {
    const graph = new Graph();
    const x = graph.input("x", "float32", [2]);
    const same = { y: cast(equal(x, x), "float32") };
    expect(() => serialise(same, undefined, dialectOf(10))).toThrow(
      "The model uses operator set 10, which lacks the Equal that a measurement needs; the oldest that works is 11. Convert it in Python with onnx.version_converter.convert_version(model, 13).",
    );
    expect(serialise(same, undefined, dialectOf(11)).length).toBeGreaterThan(0);
    expect(() => serialise(same, undefined, dialectOf(6))).toThrow("uses operator set 6; the oldest that works is 7");
  });
});
