// Fits a Hugging Face folder's network to samples: arrays by the names of its inputs, labels in the form of its task.
import { isFloating, tensor, toNumbers, UserError } from "../core/index.ts";
import { type BatchShape, batchShape, type Dataset, relabel } from "../data/index.ts";
import { cast, Graph } from "../graph/index.ts";
import { arraysOf, type ModelFolder } from "../hub/index.ts";
import { dtypeOf, type Inputs, type Model } from "../models/index.ts";
import { chooseBatch } from "./batch.ts";
import type { Fitted, PairRequest } from "./origin.ts";
import { describeFolderTask, fitLabels, taskName } from "./scoring/folder-labels.ts";

/** Fits a folder's network to samples. Throws {@link UserError} if they do not fit, or if another task is requested. */
export function fitFolder(folder: ModelFolder, model: Model, given: Dataset, request: PairRequest): Fitted {
  const { input, task } = folder.network;
  const own = taskName(task);
  if (request.output || (request.task !== undefined && request.task !== own)) {
    if (input.kind === "next token")
      throw new UserError("A language model predicts tokens, so --task and --output do not apply. Omit them.");
    throw new UserError(
      `config.json defines the task of ${folder.architecture} (${own}), so --task and --output do not apply. Omit them.`,
    );
  }
  requireArrays(folder, given);
  const inputs = (graph: Graph, shape: BatchShape) => inputsOf(folder, graph, shape);
  const batch = chooseBatch(model, given, request.batch);
  const facts = { task: `the next token, of ${task.count}, in windows of ${given.labelShape}` };
  const isLanguage = input.kind === "next token";
  if (isLanguage && !given.labels)
    return { model, data: given, batch, areIndependent: true, isLanguage, notes: [], facts, inputs };
  if (isLanguage) requireEnds(given);
  const shape = scoresShape(folder, model, given);
  const data = isLanguage ? shifted(given) : given;
  const fitted = fitLabels(data, task, shape, folder.architecture, given);
  const notes = [...(data === given ? [] : [shiftNote]), ...fitted.notes];
  return {
    model: { ...model, isMultiLabel: fitted.kind === "labels" },
    data: fitted.data,
    batch,
    areIndependent: true,
    notes,
    isLanguage,
    facts: isLanguage ? facts : { task: describeFolderTask(task, fitted.kind) },
    inputs,
  };
}

/** The network's inputs that the data provides. A single array fits a single input, whatever its name. */
function inputsOf({ network }: ModelFolder, graph: Graph, { inputs }: BatchShape): Inputs {
  const arrays = arraysOf(network.input);
  const given = Object.keys(inputs);
  const placeOf = (name: string) => (given.length === 1 && arrays.length === 1 ? given[0] : name);
  return Object.fromEntries(
    arrays.flatMap(({ name, dtype }) => {
      const from = inputs[placeOf(name)];
      return from ? [[name, cast(graph.input(placeOf(name), from.dtype, from.shape), dtype!)]] : [];
    }),
  );
}

/**
 * The shape of a sample's scores, found by building the forward pass for one. Throws {@link UserError} if the sample
 * does not fit.
 */
function scoresShape(folder: ModelFolder, model: Model, data: Dataset): readonly number[] {
  const graph = new Graph();
  const parameters = new Map(model.parameters.map((p) => [p.name, p]));
  const weights = (name: string) => graph.input(name, dtypeOf(parameters.get(name)!), parameters.get(name)!.shape);
  try {
    return model.forward(inputsOf(folder, graph, batchShape(data, 1)), weights).shape.slice(1);
  } catch (error) {
    if (error instanceof UserError) throw error;
    const shapes = data.inputs.map(({ name, shape }) => `${name} [${shape}]`).join(", ");
    throw new UserError(
      `${folder.architecture} cannot read a sample of ${data.name}: ${shapes} (${(error as Error).message}). Choose other --data.`,
      { cause: error },
    );
  }
}

/**
 * Throws {@link UserError} for arrays of the wrong type, texts that are too long, and tokens outside the vocabulary.
 */
function requireArrays({ network: { input }, architecture }: ModelFolder, data: Dataset): void {
  const declared = arraysOf(input);
  for (const { name, dtype, shape } of data.inputs) {
    const port = declared.find((one) => one.name === name) ?? declared[0];
    if (isFloating(dtype) !== isFloating(port.dtype!))
      throw new UserError(
        `${architecture} takes ${port.name} as ${port.dtype}, but ${data.name} has ${dtype}. Convert the array.`,
      );
    if (input.kind === "pixels") continue;
    if (input.isBounded && shape[0] > input.context)
      throw new UserError(
        `${architecture} has ${input.context} positions, but ${name} of ${data.name} has ${shape[0]} tokens. Shorten the texts.`,
      );
    const limit = { input_ids: input.vocabulary, token_type_ids: input.kind === "text" ? input.types : 0 }[port.name];
    const value = limit === undefined ? undefined : firstOutside(data, name, limit);
    if (value !== undefined)
      throw new UserError(
        `${name} of ${data.name} has the value ${value}, but ${architecture} accepts 0 to ${limit! - 1}. Use the model's own tokenizer.`,
      );
  }
}

/** The first value that is not an index below a limit. */
function firstOutside(data: Dataset, name: string, limit: number): number | undefined {
  if (!data.labels) return undefined; // tokens from the network's own tokenizer
  for (let i = 0; i < data.count; i++) {
    const outside = toNumbers(data.batch([i]).inputs[name]).find((x: number) => x < 0 || x >= limit);
    if (outside !== undefined) return outside;
  }
  return undefined;
}

const shiftNote = "Token t predicts label t + 1, as in transformers, so the first label of a sample does not count.";

/** Moves labels in transformers' form to the tokens that predict them. */
function shifted(data: Dataset): Dataset {
  const { labels, labelShape } = data;
  if (!labels || labelShape.length !== 1) return data;
  const [length] = labelShape;
  const values = toNumbers(labels);
  const moved = Float64Array.from(values, (_: number, i: number) => ((i + 1) % length ? values[i + 1] : -100));
  return relabel(data, tensor("int64", labels.shape, moved));
}

/**
 * Throws {@link UserError} if a window of a language model is masked anywhere but at its end, or if a label of padding
 * counts.
 */
function requireEnds(data: Dataset): void {
  if (!data.inputs.some(({ name }) => name === "attention_mask")) return;
  for (let i = 0; i < data.count; i++) {
    const { inputs, labels } = data.batch([i]);
    const mask: ArrayLike<number> = toNumbers(inputs.attention_mask);
    const label: ArrayLike<number> = toNumbers(labels);
    for (let t = 0; t < mask.length; t++) {
      if (mask[t] !== 0 && t > 0 && mask[t - 1] === 0)
        throw new UserError(
          `Sample ${i} of ${data.name} has padding before tokens, which a language model would read. Pad at the end.`,
        );
      if (mask[t] === 0 && label[t] >= 0)
        throw new UserError(
          `Sample ${i} of ${data.name} has a label for padding (token ${t}). Set the labels of padding to -100.`,
        );
    }
  }
}
