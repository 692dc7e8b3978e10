// Checks whether the samples of a data set, and their classes, fit a built-in network or one from a module.
import { type DType, UserError } from "../core/index.ts";
import type { Dataset } from "../data/index.ts";
import { Graph } from "../graph/index.ts";
import type { Model, Network } from "../models/index.ts";
import { arrangeLabels } from "./scoring/arrange.ts";
import { factsOf, notesOf, readingsOf } from "./scoring/readings.ts";

/** Other types that an input of a type accepts; they are converted. */
const convertible: Readonly<Partial<Record<DType, readonly DType[]>>> = {
  float32: ["float64"],
  int64: ["int32"],
};

/**
 * Throws {@link UserError} if samples do not fit. The check builds the forward pass for one sample, so it works for any
 * network.
 */
export function requireFit(model: Model, { input }: Network, data: Dataset, named = data.name): void {
  const [{ name: array, dtype, shape }] = data.inputs;
  if (dtype !== input.dtype && !convertible[input.dtype]?.includes(dtype))
    throw new UserError(
      `${model.name} takes ${input.dtype}, but the array ${array} of ${named} is ${dtype}. Convert the array to ${input.dtype}, or choose other data.`,
    );
  if (data.labelType === "float32")
    throw new UserError(
      `${model.name} is a classifier, but the labels in ${named} are real values. Use class labels, or an ONNX graph as the model.`,
    );
  if (data.classes > model.sizes.classes)
    throw new UserError(
      `${named} has ${data.classes} classes but ${model.name} outputs ${model.sizes.classes}. Choose other --data.`,
    );
  if (data.inputs.length > 1)
    throw new UserError(
      `${model.name} has one input, but ${named} has ${data.inputs.map(({ name }) => name).join(", ")}. Remove the others.`,
    );
  const wanted = [1, ...data.labelShape, model.sizes.classes];
  const found = logitsShape(model, input.dtype, shape);
  if (String(found) !== String(wanted))
    throw new UserError(
      `${model.name} takes ${taken(model, input.kind)}, but a sample of ${named} is [${shape}] with ${data.labelShape.length ? `labels [${data.labelShape}]` : "one label"}${typeof found === "string" ? ` (${found})` : ""}. Choose other data, or another model.`,
    );
}

/**
 * The data with labels converted to class indices (from a column, one-hot rows or floats), and notes on the conversion.
 */
export function fitLabels(
  model: Model,
  { input }: Network,
  data: Dataset,
): { data: Dataset; notes: readonly string[] } {
  const [{ shape }, ...others] = data.inputs;
  const found = data.labels && others.length === 0 ? logitsShape(model, input.dtype, shape) : "";
  if (typeof found === "string") return { data, notes: [] };
  const labels = factsOf(data);
  const last = found.length - 2; // without the batch
  const reading = readingsOf(labels, { shape: found.slice(1) }).find(({ classAxis }) => classAxis === last);
  if (!reading) return { data, notes: [] };
  const arranged = arrangeLabels(data, reading);
  return { data: arranged, notes: notesOf(reading, labels, arranged) };
}

function taken({ sizes }: Model, kind: Network["input"]["kind"]): string {
  if (kind === "vector") return sizes.inputs ? `${sizes.inputs} numbers with one label` : "vectors with one label";
  return { image: "images [channels, height, width] with one label", tokens: "tokens [T] with labels [T]" }[kind];
}

/** The shape of one sample's logits, [1, …, classes], or the reason why the forward pass fails. */
function logitsShape(model: Model, dtype: DType, shape: readonly number[]): readonly number[] | string {
  const graph = new Graph();
  const shapes = new Map(model.parameters.map((p) => [p.name, p.shape]));
  try {
    return model.forward({ input: graph.input("input", dtype, [1, ...shape]) }, (name) =>
      graph.input(name, "float32", shapes.get(name)!),
    ).shape;
  } catch (error) {
    if (error instanceof UserError) throw error; // the network's own message is more specific
    if (error instanceof ReferenceError || error instanceof TypeError)
      throw new UserError(`The forward pass of ${model.name} fails: ${error.message}. Fix the network.`, {
        cause: error,
      });
    return (error as Error).message;
  }
}
