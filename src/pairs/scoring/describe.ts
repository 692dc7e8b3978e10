// Describes in one line what is measured for an ONNX graph: the task, and the scores and axes that were found.
import type { Dataset } from "../../data/index.ts";
import type { Output } from "../matching/network.ts";
import type { Reading } from "./readings.ts";

/** Describes a task: "classification of 5 classes, scores [n, 5] in output logits, batch axis 0". */
export function describeTask(
  { kind, task, classes }: Reading,
  { name, from }: Output,
  { shape, batchAxis }: { readonly shape: readonly number[]; readonly batchAxis: number },
  { inputs }: Dataset,
): string {
  const sizes = `[${shape.map((n, axis) => (axis === batchAxis ? "n" : n)).join(", ")}]`;
  const what = {
    classify: `classification of ${classes} classes`,
    tokens: `classification of ${classes} classes for each token`,
    segment: `classification of ${classes} classes for each position`,
    regress: "regression",
  }[task];
  const how =
    kind === "binary"
      ? `one score for both${from === undefined ? "" : ", before its sigmoid"}, ${sizes}`
      : `${kind === "values" ? "values" : "scores"} ${sizes}`;
  return `${what}, ${how} in output ${name}, ${describeAxes(inputs, batchAxis)}`;
}

function describeAxes(inputs: Dataset["inputs"], batchAxis: number): string {
  const fed = inputs.filter(({ axis }) => axis !== null);
  const whole = inputs.filter(({ axis }) => axis === null).map(({ name }) => name);
  const isFirst = batchAxis === 0 && fed.every(({ axis = 0 }) => axis === 0);
  const axes = isFirst
    ? "batch axis 0"
    : `batch axis ${fed.map(({ name, axis = 0 }) => `${axis} of ${name}`).join(", ")}, ${batchAxis} of the output`;
  return whole.length ? `${axes}, ${whole.join(", ")} fed whole` : axes;
}
