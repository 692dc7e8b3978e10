// Rotary embeddings in a graph, and constants that all its blocks share.
import { tensor } from "../../core/index.ts";
import { add, concat, type Graph, mul, slice, sub, type Value } from "../../graph/index.ts";
import type { Rotary } from "./rotary.ts";

/** Rotates the first `dim` channels of [n, heads, T, headDim]: channel i with channel i + dim / 2. */
export function rotate(x: Value, rotary: Rotary): Value {
  const { dim } = rotary;
  const [, , t, headDim] = x.shape;
  const [cos, sin] = angles(x.graph, rotary, t);
  const [first, second] = [slice(x, 3, 0, dim / 2), slice(x, 3, dim / 2, dim)];
  const turned = [sub(mul(first, cos), mul(second, sin)), add(mul(second, cos), mul(first, sin))];
  return concat(dim < headDim ? [...turned, slice(x, 3, dim, headDim)] : turned, 3);
}

/** Cosines and sines [T, dim/2] of the angles. */
function angles(graph: Graph, { dim, at }: Rotary, t: number): Value[] {
  const { inverse, factor } = at(t);
  const table = (f: (angle: number) => number) => {
    const values = tensor("float32", [t, dim / 2]);
    for (let p = 0; p < t; p++)
      inverse.forEach((frequency, i) => {
        values.data[(p * dim) / 2 + i] = f(Math.fround(p * Math.fround(frequency))) * factor;
      });
    return graph.constant(values);
  };
  return shareConstants(graph, `angles ${t} ${factor} ${inverse}`, () => [table(Math.cos), table(Math.sin)]);
}

const constants = new WeakMap<Graph, Map<string, Value[]>>();

/** Constants of a graph, made at their first use and shared by every block of every averaged network. */
export function shareConstants(graph: Graph, key: string, make: () => Value[]): Value[] {
  const made = constants.get(graph) ?? new Map<string, Value[]>();
  constants.set(graph, made);
  const values = made.get(key) ?? make();
  made.set(key, values);
  return values;
}
