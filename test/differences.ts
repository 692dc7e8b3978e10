// Holds gradients of the graph against central differences of its own forward pass.
import { expect } from "vitest";
import { type DType, fromNumbers, randomStream, sizeOf, type Tensor, toNumbers } from "../src/core/index.ts";
import { Graph, gradients, lower, mul, reduceSum, serialise, type Value } from "../src/graph/index.ts";
import { Session } from "../src/runtime/index.ts";

/** Evaluates named outputs of a graph, in the plain form unless options say otherwise. */
export async function evaluate(
  outputs: Record<string, Value>,
  feeds: Record<string, Tensor>,
  lowering: (outputs: Record<string, Value>) => Record<string, Value> = lower,
): Promise<Record<string, Tensor>> {
  const session = await Session.load(serialise(lowering(outputs)), { threads: 1 });
  const results = await session.run(feeds);
  await session.dispose();
  return results;
}

export interface CheckOptions {
  dtype?: "float32" | "float64";
  /** Values of the inputs from a normal number, e.g. `Math.abs` for a logarithm. */
  values?: (normal: number, input: number) => number;
  /** Which inputs are differentiated; default all. */
  wrt?: number[];
}

/**
 * Checks every partial derivative of sum(w * build(inputs)), with fixed random w, against central differences: in
 * float64 with step 1e-5 to 1e-8, in float32 (where the runtime has no float64 kernel) with step 1e-2 to 2e-3, relative
 * to the largest derivative.
 */
export async function expectGradient(
  shapes: number[][],
  build: (...inputs: Value[]) => Value,
  options: CheckOptions = {},
): Promise<void> {
  const { dtype = "float64", values = (x) => x, wrt = shapes.map((_, i) => i) } = options;
  const random = randomStream(1, "gradient check");
  const graph = new Graph();
  const inputs = shapes.map((shape, i) => graph.input(`x${i}`, dtype, shape));
  const output = build(...inputs);
  const weights = graph.constant(randomTensor(dtype, output.shape, random.normal));
  const weighted = mul(output, weights);
  const loss = reduceSum(
    weighted,
    weighted.shape.map((_, i) => i),
  );
  const names = wrt.map((i) => `d${i}`);
  const derivatives = gradients(
    loss,
    wrt.map((i) => inputs[i]),
  );
  const point = Object.fromEntries(
    shapes.map((shape, i) => [`x${i}`, randomTensor(dtype, shape, () => values(random.normal(), i))]),
  );

  const session = await Session.load(serialise(lower({ loss })), { threads: 1 });
  const found = await evaluate({ loss, ...Object.fromEntries(names.map((name, k) => [name, derivatives[k]])) }, point);
  const step = dtype === "float64" ? 1e-5 : 1e-2;
  const tolerance = dtype === "float64" ? 1e-8 : 2e-3;
  for (const [k, i] of wrt.entries()) {
    const gradient = toNumbers(found[names[k]]);
    const data = point[`x${i}`].data as Float64Array;
    const expected = new Float64Array(data.length);
    for (let at = 0; at < data.length; at++) {
      const kept = data[at];
      const lossAt = async (x: number) => {
        data[at] = x;
        return toNumbers((await session.run(point)).loss)[0];
      };
      const [high, low] = [await lossAt(kept + step), await lossAt(kept - step)];
      data[at] = kept;
      expected[at] = (high - low) / (2 * step);
    }
    const scale = Math.max(1, ...expected.map(Math.abs));
    for (let at = 0; at < data.length; at++) {
      expect(
        Math.abs(gradient[at] - expected[at]) / scale,
        `d/dx${i}[${at}]: ${gradient[at]} for ${expected[at]}`,
      ).toBeLessThan(tolerance);
    }
  }
  await session.dispose();
}

function randomTensor(dtype: DType, shape: readonly number[], next: () => number): Tensor {
  return fromNumbers(dtype, shape, Float64Array.from({ length: sizeOf(shape) }, next));
}
