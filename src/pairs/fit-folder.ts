// The samples of a Hugging Face folder: arrays by the names of its inputs, labels as its task takes them.
import { isFloating, tensor, toNumbers, UserError } from "../core/index.ts";
import { type BatchShape, batchShape, type Dataset, relabel } from "../data/index.ts";
import { cast, Graph } from "../graph/index.ts";
import { arraysOf, type ModelFolder } from "../hub/index.ts";
import { dtypeOf, type Inputs, type Model } from "../models/index.ts";
import { chooseBatch } from "./batch.ts";
import type { Fitted, PairRequest } from "./origin.ts";
import { describeFolderTask, fitLabels, taskName } from "./scoring/folder-labels.ts";

/** Fits a folder's network to samples. Throws {@link UserError} where it cannot take them, or is asked for another task. */
export function fitFolder(folder: ModelFolder, model: Model, given: Dataset, request: PairRequest): Fitted {
  const { input, task } = folder.network;
  const own = taskName(task);
  if (request.output || (request.task !== undefined && request.task !== own)) {
    if (input.kind === "next token")
      throw new UserError("A language model predicts tokens, so --task and --output do not apply. Leave them out.");
    throw new UserError(
      `config.json says what ${folder.architecture} does (--task ${own}), so --task and --output do not apply. Leave them out.`,
    );
  }
  requireArrays(folder, given);
  const inputs = (graph: Graph, shape: BatchShape) => inputsOf(folder, graph, shape);
  const batch = chooseBatch(model, given, request.batch);
  const facts = { task: `the next token, of ${task.count}, in windows of ${given.labelShape}` };
  const isLanguage = input.kind === "next token";
  if (isLanguage && !given.labels) return { model, data: given, batch, isLanguage, notes: [], facts, inputs };
  if (isLanguage) requireEnds(given);
  const shape = scoresShape(folder, model, given);
  const data = isLanguage ? shifted(given) : given;
  const fitted = fitLabels(data, task, shape, folder.architecture);
  const notes = [...(data === given ? [] : [shiftNote]), ...fitted.notes];
  return {
    model: { ...model, isMultiLabel: fitted.kind === "labels" },
    data: fitted.data,
    batch,
    notes,
    isLanguage,
    facts: isLanguage ? facts : { task: describeFolderTask(task, fitted.kind) },
    inputs,
  };
}

/** The network's inputs, those that the data have. A single array is that of a single input, whatever it is called. */
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

/** Of a sample, by building the forward pass for one. Throws {@link UserError} where the network cannot take it. */
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
      `${folder.architecture} cannot take a sample of ${data.name}: ${shapes} (${(error as Error).message}). Choose other --data.`,
      { cause: error },
    );
  }
}

/** Throws {@link UserError} for arrays of another type, texts that are too long, and tokens that the network does not know. */
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
        `${architecture} knows ${input.context} positions, but ${name} of ${data.name} has ${shape[0]} tokens. Cut the texts.`,
      );
    const limit = { input_ids: input.vocabulary, token_type_ids: input.kind === "text" ? input.types : 0 }[port.name];
    const value = limit === undefined ? undefined : firstOutside(data, name, limit);
    if (value !== undefined)
      throw new UserError(
        `${name} of ${data.name} has the value ${value}, but ${architecture} knows 0 to ${limit! - 1}. Give the tokens of its own tokenizer.`,
      );
  }
}

/** A value that is no index below a limit. */
function firstOutside(data: Dataset, name: string, limit: number): number | undefined {
  if (!data.labels) return undefined; // read by the network's own tokenizer
  for (let i = 0; i < data.count; i++) {
    const outside = toNumbers(data.batch([i]).inputs[name]).find((x: number) => x < 0 || x >= limit);
    if (outside !== undefined) return outside;
  }
  return undefined;
}

const shiftNote = "Token t predicts label t + 1, as in transformers, so the first label of a sample does not count.";

/** Labels of a language model as transformers takes them, each moved to the token that predicts it. */
function shifted(data: Dataset): Dataset {
  const { labels, labelShape } = data;
  if (!labels || labelShape.length !== 1) return data;
  const [length] = labelShape;
  const values = toNumbers(labels);
  const moved = Float64Array.from(values, (_: number, i: number) => ((i + 1) % length ? values[i + 1] : -100));
  return relabel(data, tensor("int64", labels.shape, moved));
}

/** Throws {@link UserError} where windows of a language model are masked elsewhere than at their end, or labels behind their end count. */
function requireEnds(data: Dataset): void {
  if (!data.inputs.some(({ name }) => name === "attention_mask")) return;
  for (let i = 0; i < data.count; i++) {
    const { inputs, labels } = data.batch([i]);
    const mask: ArrayLike<number> = toNumbers(inputs.attention_mask);
    const label: ArrayLike<number> = toNumbers(labels);
    for (let t = 0; t < mask.length; t++) {
      if (mask[t] !== 0 && t > 0 && mask[t - 1] === 0)
        throw new UserError(
          `Sample ${i} of ${data.name} has padding in front of tokens, which a language model would read. Pad at the end.`,
        );
      if (mask[t] === 0 && label[t] >= 0)
        throw new UserError(
          `Sample ${i} of ${data.name} has a label for padding (token ${t}). Set the labels of padding to -100.`,
        );
    }
  }
}
