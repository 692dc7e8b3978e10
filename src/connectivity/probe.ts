// Runs an ONNX graph once on the first samples, to learn which output holds the scores and of what type: nothing else is known of it.
import { listSome, nearest, type Tensor, tensor, toNumbers, UserError } from "../core/index.ts";
import type { Dataset } from "../data/index.ts";
import { type ForeignModel, Graph, type Port } from "../graph/index.ts";
import { dtypeOf } from "../models/index.ts";
import type { RuntimeOptions } from "../runtime/index.ts";
import { batchAt, batchShape } from "./batches.ts";
import { groupLayers } from "./layers.ts";
import { loadGraph } from "./loading.ts";
import type { Pair } from "./pair.ts";
import type { OutputSpec, Subject } from "./subject.ts";
import { inputValues, weightName } from "./sweep.ts";

export const tasks = ["classify", "tokens", "regress"] as const;
export type Task = (typeof tasks)[number];

/** The batch that a graph's inputs are fixed to; undefined where it is free. Throws {@link UserError} when the samples do not fit them. */
export function fixedBatch(foreign: Pick<ForeignModel, "inputs">, data: Dataset): number | undefined {
  let batch: number | undefined;
  for (const port of foreign.inputs) {
    const given =
      data.inputs.find(({ name }) => name === port.name) ?? (data.inputs.length === 1 ? data.inputs[0] : undefined);
    if (!given || !port.shape) continue;
    const [first, ...rest] = port.shape;
    const isLike =
      rest.length === given.shape.length && rest.every((n, i) => typeof n !== "number" || n === given.shape[i]);
    if (!isLike) {
      throw new UserError(
        `The model's input ${port.name} takes samples of shape [${rest.map((n) => n ?? "?")}], but those of ${data.name} are [${given.shape}]. Choose other --data.`,
      );
    }
    requireType(port, given.dtype, data.name);
    if (typeof first === "number" && first > 0) batch = first;
  }
  return batch;
}

function requireType({ name, dtype }: Port, given: string, data: string): void {
  const kind = (type: string) => (/float/.test(type) ? "float" : type === "bool" ? "bool" : "int");
  if (dtype && kind(dtype) !== kind(given))
    throw new UserError(
      `The model's input ${name} is ${dtype}, but ${data} has ${given}. Convert the array to ${dtype}.`,
    );
}

/** Chooses the output with the scores. Throws {@link UserError} when it is not clear, or the network fails on the samples. */
export async function chooseOutput(
  subject: Subject,
  data: Dataset,
  size: number,
  { task, output, runtime }: { task?: Task; output?: string; runtime?: RuntimeOptions },
): Promise<OutputSpec> {
  const names = subject.foreign!.outputs.map(({ name }) => name);
  if (output !== undefined && !names.includes(output)) {
    const near = nearest(output, names);
    throw new UserError(
      `The model has no output ${output}${near ? `; did you mean ${near}?` : "."} It has ${listSome(names, 12)}.`,
    );
  }
  const found = await runOnce(subject, output === undefined ? names : [output], data, size, runtime);
  const wanted = task ?? taskOf(data);
  const labels = [size, ...data.labelShape];
  const fits = [...found].filter(([, { dtype, shape }]) => {
    if (!/float/.test(dtype)) return false;
    if (wanted === "regress") return shape.reduce((p, n) => p * n, 1) === labels.reduce((p, n) => p * n, 1);
    return (
      shape.length === labels.length + 1 && labels.every((n, i) => n === shape[i]) && shape.at(-1)! >= data.classes
    );
  });
  const described = [...found].map(([name, { shape }]) => `${name} [${shape}]`);
  if (fits.length === 0) {
    const need =
      wanted === "regress"
        ? `as many values as the labels [${labels}]`
        : `scores [${labels},classes] for ${data.classes} classes`;
    throw new UserError(
      `No output of the model holds ${need}: it gives ${listSome(described, 8)}. Give other labels, or name the output and the --task.`,
    );
  }
  if (fits.length > 1)
    throw new UserError(`Several outputs could hold the scores: ${listSome(described, 8)}. Name one with --output.`);
  const [[name, scores]] = fits;
  const type = { dtype: scores.dtype, shape: scores.shape };
  return { name, type, areProbabilities: wanted !== "regress" && areProbabilities(scores) };
}

/** Whether every row of scores is a distribution, as a softmax at the end of the graph makes it. */
export function areProbabilities(scores: Tensor): boolean {
  const classes = scores.shape.at(-1)!;
  const values = toNumbers(scores);
  if (classes < 2) return false;
  for (let row = 0; row < values.length; row += classes) {
    let sum = 0;
    for (const value of values.subarray(row, row + classes)) sum += value >= 0 ? value : Number.NaN;
    if (!(Math.abs(sum - 1) < 1e-3)) return false; // sixteen bits are that exact
  }
  return true;
}

/** The samples as the task wants their labels: values for a regression, else classes. Throws {@link UserError} for values as classes. */
export function labelled(data: Dataset, task: Task | undefined): Dataset {
  const haveValues = data.labelType === "float32";
  if (task === undefined || (task === "regress") === haveValues) return data;
  if (haveValues)
    throw new UserError(
      `--task ${task} wants classes, but the labels of ${data.name} are values (float32). Convert them to whole numbers, or leave --task out.`,
    );
  return {
    ...data,
    labelType: "float32",
    batch(indices, options) {
      const { inputs, labels } = data.batch(indices, options);
      return { inputs, labels: tensor("float32", labels.shape, toNumbers(labels)) };
    },
  };
}

/** Classes when labels are whole numbers, tokens when a sample has a row of them. */
const taskOf = ({ labelType, labelShape }: Dataset): Task =>
  labelType === "float32" ? "regress" : labelShape.length ? "tokens" : "classify";

async function runOnce(
  { a, b, model }: Subject,
  names: readonly string[],
  data: Dataset,
  size: number,
  runtime?: RuntimeOptions,
): Promise<Map<string, Tensor>> {
  const graph = new Graph();
  const { inputs, labels } = batchAt(data, 0, size);
  const network = model({ name: names[0] });
  const values = inputValues(graph, network, batchShape(data, size));
  const shapes = new Map(network.parameters.map((p) => [p.name, p]));
  const outputs = Object.fromEntries(
    names.map((name, i) => [
      `out${i}`,
      model({ name }).forward(values, (parameter) => {
        const p = shapes.get(parameter)!;
        return graph.input(weightName("a", parameter), dtypeOf(p), p.shape);
      }),
    ]),
  );
  const pair: Pair = { model: network, layers: groupLayers([]), a: a.tensors, b: b.tensors };
  try {
    const { session, fed } = await loadGraph(outputs, pair, { runtime });
    const results = await session.run({ ...fed, ...inputs, labels });
    await session.dispose();
    return new Map(names.map((name, i) => [name, results[`out${i}`]]));
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(
      `ONNX Runtime cannot run the model on samples of ${data.name}: ${(error as Error).message.split("\n")[0]} Check the model and the data.`,
      { cause: error },
    );
  }
}
