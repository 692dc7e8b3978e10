// The samples of an ONNX graph: its inputs by name, the batch that it may fix, and labels as its task wants them.
import { type DType, tensor, toNumbers, UserError } from "../core/index.ts";
import type { BatchShape, Dataset } from "../data/index.ts";
import { cast, type ForeignModel, type Graph, type Port } from "../graph/index.ts";
import type { Inputs } from "../models/index.ts";
import { chooseBatch } from "./batch.ts";
import type { End } from "./end.ts";
import { type OnnxNetwork, onnxModel } from "./matching/network.ts";
import type { Ends, Task } from "./origin.ts";
import { chooseOutput } from "./output.ts";

/** How the network takes samples; `a` has the weights that it is tried with. */
export function fitGraph(network: OnnxNetwork, a: End): Pick<Ends, "fit" | "context"> {
  const { inputs: ports } = network.foreign;
  const tokens = ports[0]?.shape?.length === 2 ? ports[0].shape[1] : undefined;
  return {
    context: typeof tokens === "number" ? tokens : undefined,
    async fit(given, request) {
      const data = labelled(given, request.task);
      const fixed = fixedBatch(network.foreign, data);
      const batch = fixed ?? chooseBatch(network, data, request.batch);
      const inputs = (graph: Graph, shape: BatchShape) => inputsOf(graph, ports, shape);
      const output = await chooseOutput(network, a, inputs, data, batch, request);
      const note = `The output ${output.name} holds probabilities; their logarithms are the scores.`;
      const notes = output.areProbabilities ? [note] : [];
      return { model: onnxModel(network, output), data, batch, fixedBatch: fixed, notes, inputs };
    },
  };
}

/** The data's inputs under the graph's names and in its dtypes. A single input needs no name. */
function inputsOf(graph: Graph, ports: readonly Port[], { inputs }: BatchShape): Inputs {
  const given = Object.keys(inputs);
  return Object.fromEntries(
    ports.map((port) => {
      const from = ports.length === 1 && given.length === 1 ? given[0] : port.name;
      if (!inputs[from])
        throw new UserError(
          `The model asks for an input ${port.name}, but the data have ${given.join(", ")}. Name the array ${port.name}.`,
        );
      const { dtype, shape } = inputs[from];
      return [port.name, cast(graph.input(from, dtype, shape), port.dtype ?? dtype)];
    }),
  );
}

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
function requireType({ name, dtype }: Port, given: DType, data: string): void {
  const kind = (type: string) => (/float/.test(type) ? "float" : type === "bool" ? "bool" : "int");
  if (dtype && kind(dtype) !== kind(given))
    throw new UserError(
      `The model's input ${name} is ${dtype}, but ${data} has ${given}. Convert the array to ${dtype}.`,
    );
}

/** The samples as the task wants their labels: values for a regression, else classes. Throws {@link UserError} for values as classes. */
function labelled(data: Dataset, task: Task | undefined): Dataset {
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
