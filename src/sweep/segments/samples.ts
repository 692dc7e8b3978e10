// The samples as a network's graph takes them.
import { type Tensor, UserError } from "../../core/index.ts";
import type { Dataset } from "../../data/index.ts";
import { cast, type Graph, type Value } from "../../graph/index.ts";
import type { Model } from "../../models/index.ts";

/** The data's inputs under the model's names and in its dtypes. A single input needs no name. */
export function inputsOf(graph: Graph, { foreign, name }: Model, { inputs }: Dataset, batch: number) {
  const given = new Map(inputs.map((spec) => [spec.name, spec]));
  const value = (from: string): Value => {
    const { dtype, shape } = given.get(from)!;
    return graph.input(from, dtype, [batch, ...shape]);
  };
  const [first] = given.keys();
  const all = [...given.keys()];
  if (!foreign) {
    if (all.length > 1)
      throw new UserError(`Model ${name} has one input, but the data have ${all.join(" and ")}. Choose other --data.`);
    return { input: value(first) };
  }
  return Object.fromEntries(
    foreign.inputs.map((port): [string, Value] => {
      const from = foreign.inputs.length === 1 && all.length === 1 ? first : port.name;
      if (!given.has(from))
        throw new UserError(
          `The model asks for an input ${port.name}, but the data have ${all.join(", ")}. Name the array ${port.name}.`,
        );
      return [port.name, cast(value(from), port.dtype ?? given.get(from)!.dtype)];
    }),
  );
}

/** The samples from `start` on, inputs and labels by name; where they end, the last one again, so that every batch has the same size. */
export function samplesAt(data: Dataset, start: number, size: number): Readonly<Record<string, Tensor>> {
  const { inputs, labels } = data.batch(Array.from({ length: size }, (_, i) => Math.min(start + i, data.count - 1)));
  return { ...inputs, labels };
}
