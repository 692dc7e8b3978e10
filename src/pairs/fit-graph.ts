// Fits an ONNX graph to samples: its inputs by name, the batch size that it may fix, and labels in the form of its
// task.
import { type DType, listSome, UserError } from "../core/index.ts";
import type { BatchShape, Dataset } from "../data/index.ts";
import { cast, type ForeignModel, type Graph, type Port, partFor } from "../graph/index.ts";
import type { Inputs } from "../models/index.ts";
import { chooseBatch } from "./batch.ts";
import type { End } from "./end.ts";
import { noteOfBatchStatistics, notesOfScores } from "./graph-notes.ts";
import { type OnnxNetwork, onnxModel } from "./matching/network.ts";
import type { Ends } from "./origin.ts";
import { arrangeLabels } from "./scoring/arrange.ts";
import { describeTask } from "./scoring/describe.ts";
import { chooseOutput } from "./scoring/output.ts";
import { factsOf, notesOf } from "./scoring/readings.ts";

/** How a graph's network takes samples. Trial runs use the weights of `a`. */
export function fitGraph(network: OnnxNetwork, a: End): Pick<Ends, "fit" | "context" | "declared"> {
  const { inputs: ports } = network.foreign;
  const tokens = ports[0]?.shape?.length === 2 ? ports[0].shape[1] : undefined;
  return {
    context: typeof tokens === "number" ? tokens : undefined,
    declared: { inputs: ports },
    async fit(given, request) {
      requireInputs(ports, given);
      const fixed = fixedBatch(network.foreign, given);
      const batch = fixed ?? chooseBatch(network, given, request.batch);
      const inputs = (graph: Graph, shape: BatchShape) => inputsOf(graph, ports, shape);
      const { output, reading, shape, batchAxis, note } = await chooseOutput(
        network,
        a,
        inputs,
        given,
        { size: batch, isFixed: fixed !== undefined },
        request,
      );
      const data = arrangeLabels(given, reading);
      const part = partFor(network.foreign, output.from ?? output.name);
      const notes = [...notesOfScores(part), ...notesOf(reading, factsOf(given), data)];
      if (output.areProbabilities)
        notes.unshift(`The output ${output.name} contains probabilities; their logarithms are used as scores.`);
      if (note) notes.unshift(note);
      const facts = { task: describeTask(reading, output, { shape, batchAxis }, data) };
      const apart = separateLabels(data);
      return {
        model: onnxModel(network, output),
        data: apart,
        batch,
        fixedBatch: fixed,
        // random numbers hide how samples affect each other
        areIndependent: part.random.size > 0 ? !part.usesBatch : undefined,
        dependenceNote: part.usesBatch ? noteOfBatchStatistics : undefined,
        notes,
        facts,
        inputs,
      };
    },
  };
}

/** Throws {@link UserError} if the data lacks an input of the graph. A single input may have any name. */
function requireInputs(ports: readonly Port[], { name: data, inputs }: Dataset): void {
  if (ports.length === 1 && inputs.length === 1) return;
  const missing = ports.find(({ name }) => !inputs.some((one) => one.name === name));
  if (!missing) return;
  const { name, dtype, shape } = missing;
  const size = shape && (shape.length ? `shape [${shape.map((n) => n || "?")}]` : "one value of shape []");
  const type = [dtype, size].filter(Boolean).join(", ");
  const given = listSome(
    inputs.map((one) => one.name),
    8,
  );
  throw new UserError(
    `The model has an input ${name}${type && ` (${type})`}, but ${data} has only ${given}. Add an array ${name}.`,
  );
}

/** The data's inputs under the graph's names and in its dtypes. */
function inputsOf(graph: Graph, ports: readonly Port[], { inputs }: BatchShape): Inputs {
  const given = Object.keys(inputs);
  return Object.fromEntries(
    ports.map((port) => {
      const own = port.name in inputs ? port.name : labelsInput;
      const from = ports.length === 1 && given.length === 1 ? given[0] : own;
      const { dtype, shape } = inputs[from];
      return [port.name, cast(graph.input(from, dtype, shape), port.dtype ?? dtype)];
    }),
  );
}

/** The name of the graph's input `labels` among the data's inputs, where it differs from the labels that are scored. */
const labelsInput = "labels as an input";

/**
 * Renames the input `labels` of a graph that computes its own loss, if the scored labels have another type or shape:
 * both are inputs of the graphs that are run.
 */
function separateLabels(data: Dataset): Dataset {
  const { inputs, labelShape, labelType = "int64" } = data;
  const own = inputs.find(({ name }) => name === "labels");
  if (!own || (own.dtype === labelType && String(own.shape) === String(labelShape) && !own.axis)) return data;
  return {
    ...data,
    inputs: inputs.map((one) => (one === own ? { ...one, name: labelsInput } : one)),
    batch(indices, options) {
      const { inputs: given, labels } = data.batch(indices, options);
      const { labels: asInput, ...others } = given;
      return { inputs: { ...others, [labelsInput]: asInput }, labels };
    },
  };
}

/**
 * The fixed batch size of a graph's inputs; undefined if it is free. Throws {@link UserError} if the samples do not fit
 * the inputs.
 */
export function fixedBatch(foreign: Pick<ForeignModel, "inputs">, data: Dataset): number | undefined {
  let batch: number | undefined;
  for (const port of foreign.inputs) {
    const given =
      data.inputs.find(({ name }) => name === port.name) ??
      (data.inputs.length === 1 && foreign.inputs.length === 1 ? data.inputs[0] : undefined);
    if (!given || !port.shape) continue;
    const { axis = 0, dtype, shape } = given;
    const wanted = axis === null ? port.shape : port.shape.toSpliced(axis, 1);
    const isLike =
      wanted.length === shape.length &&
      port.shape.length > (axis ?? -1) &&
      wanted.every((n, i) => typeof n !== "number" || n === shape[i]);
    if (!isLike) {
      throw new UserError(
        `The model's input ${port.name} takes samples of shape [${wanted.map((n) => n ?? "?")}], but those of ${data.name} are [${shape}]. Choose other --data.`,
      );
    }
    requireType(port, dtype, data.name);
    const size = axis === null ? undefined : port.shape[axis];
    if (typeof size === "number" && size > 0) batch = size;
  }
  return batch;
}

/** Integers and bools are converted into each other; their values were checked when they were read. */
function requireType({ name, dtype }: Port, given: DType, data: string): void {
  const isFloat = (type: string) => /float/.test(type);
  if (!dtype || isFloat(dtype) === isFloat(given)) return;
  // unprepared pixels would run, with bad scores
  const advice = isFloat(dtype)
    ? `Save the values that the model expects (pixels are often normalised) as ${dtype}.`
    : `Convert the array to ${dtype}.`;
  throw new UserError(`The model's input ${name} is ${dtype}, but ${data} has ${given}. ${advice}`);
}
