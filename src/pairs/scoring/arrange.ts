// Brings scores and labels into the form in which they are compared: the batch first, the classes last. A graph may
// have its batch on another axis (PyTorch's recurrent layers), its classes on the second (images), or one score for two
// classes.
import { sizeOf, type Tensor, tensor, toNumbers } from "../../core/index.ts";
import { type Dataset, relabel } from "../../data/index.ts";
import { add, concat, log, reshape, scalar, sub, transpose, type Value } from "../../graph/index.ts";
import type { Reading } from "./readings.ts";

/** Added to probabilities, this smallest number keeps the logarithm of 0 finite. */
const least = 1.2e-38;

/** How an output's elements become scores [batch, …, classes], or [batch, …] if labels are values. */
export interface Arrangement {
  /** The shape of the output on a batch. */
  readonly shape: readonly number[];
  readonly batchAxis: number;
  readonly reading: Reading;
  /** The single score of two classes is the probability of the second, not its logit. */
  readonly isProbability?: boolean;
}

export function arrangeScores(scores: Value, { shape, batchAxis, reading, isProbability }: Arrangement): Value {
  const rest = shape.flatMap((_, axis) => (axis === batchAxis ? [] : [axis]));
  const { kind, classAxis, positions, classes } = reading;
  const order = classAxis === undefined ? rest : [...rest.toSpliced(classAxis, 1), rest[classAxis]];
  const moved = transpose(reshape(scores, shape), [batchAxis, ...order]);
  const batch = shape[batchAxis];
  if (kind === "values") return moved;
  if (kind !== "binary") return reshape(moved, [batch, ...positions, classes]);
  const second = reshape(moved, [batch, ...positions, 1]);
  const { graph } = scores;
  if (!isProbability) return concat([graph.constant(tensor("float32", second.shape)), second], second.shape.length - 1);
  const both = concat([sub(scalar(graph, "float32", 1), second), second], second.shape.length - 1);
  return log(add(both, scalar(graph, "float32", least)));
}

/** The data with labels in the form of a reading: class indices for each position, or values. */
export function arrangeLabels(data: Dataset, { kind, positions, oneHotAxis, classes }: Reading): Dataset {
  const { labels, count, labelShape } = data;
  const dtype = kind === "values" ? "float32" : "int64";
  const shape = kind === "values" ? labelShape : positions;
  const isAsIs = (data.labelType !== "float32") === (dtype === "int64") && String(shape) === String(labelShape);
  if (isAsIs && kind !== "one-hot") return data;
  if (!labels)
    return {
      ...data,
      labelType: dtype,
      labelShape: shape,
      batch(indices, options) {
        const { inputs, labels: own } = data.batch(indices, options);
        return { inputs, labels: tensor(dtype, [indices.length, ...shape], toNumbers(own)) };
      },
    };
  if (kind === "one-hot") return relabel(data, classesOf(labels, [count, ...shape], oneHotAxis! + 1, classes));
  return relabel(data, tensor(dtype, [count, ...shape], toNumbers(labels)));
}

/** The indices of the 1 in every row along an axis of some length, which the shape of the classes does not have. */
function classesOf(labels: Tensor, shape: readonly number[], axis: number, length: number): Tensor {
  const values = toNumbers(labels);
  const inner = sizeOf(shape.slice(axis));
  const classes = tensor("int64", shape);
  for (let i = 0; i < classes.data.length; i++) {
    const start = Math.floor(i / inner) * length * inner + (i % inner);
    for (let k = 1; k < length; k++) if (values[start + k * inner] === 1) classes.data[i] = BigInt(k);
  }
  return classes;
}
