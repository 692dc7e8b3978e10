// Labels in the form that the task of a Hugging Face folder needs: class indices, rows of yes-or-no labels, or values.
import { listSome, tensor, toNumbers, UserError } from "../../core/index.ts";
import { type Dataset, relabel } from "../../data/index.ts";
import { givenNames, type NetworkTask } from "../../hub/index.ts";
import type { Task } from "../origin.ts";
import { arrangeLabels } from "./arrange.ts";
import { factsOf, haveSameOrder, type LabelFacts, notesOf, type Reading, readingsOf } from "./readings.ts";

export interface Fitted {
  readonly data: Dataset;
  readonly kind: NetworkTask["kind"];
  readonly notes: readonly string[];
}

/**
 * Fits labels to a task. `shape` is the shape of a sample's scores, `network` the network's name. Notes describe the
 * labels of `given`, the data before any shift. Throws {@link UserError} if they do not fit.
 */
export function fitLabels(
  data: Dataset,
  task: NetworkTask,
  shape: readonly number[],
  network: string,
  given = data,
): Fitted {
  const labels = factsOf(data);
  if (task.kind === "values") return fitValues(data, labels, shape, network);
  const areRows = labels.areFloats && task.count > 1 && String(labels.shape) === String(shape);
  if (task.kind === "labels") return fitRows(data, labels, shape, network);
  if (task.isOpen && areRows) {
    const fitted = fitRows(data, labels, shape, network);
    return { ...fitted, notes: [...fitted.notes, multiLabelNote] };
  }
  const { areWhole, classes } = labels;
  if (!areWhole)
    throw new UserError(
      `The labels of ${data.name} are real values, but ${network} is a classifier. Save class indices, counted from 0.`,
    );
  const fits = ({ kind, classAxis }: Reading) => kind !== "binary" && classAxis === shape.length - 1;
  const reading = readingsOf(labels, { shape }, task.isByToken ? "tokens" : "classify").find(fits);
  const { classNames = [] } = data;
  const called = classNames.length ? ` (its ${classNames.length} classes are ${listSome(classNames, 12)})` : "";
  if (!reading && classes > task.count)
    throw new UserError(
      `${data.name} has the label ${classes - 1}${called}, but the labels of ${network} are 0 to ${task.count - 1}. Give samples of these classes.`,
    );
  if (!reading) throw unlike(data, shape.slice(0, -1), network);
  const notes = notesOf(reading, labels, arrangeLabels(given, reading));
  return { data: arrangeLabels(data, reading), kind: "classes", notes };
}

const multiLabelNote =
  "config.json has no problem_type and the labels are rows of numbers, so they are treated as yes-or-no labels, as in transformers.";

function fitRows(data: Dataset, labels: LabelFacts, shape: readonly number[], network: string): Fitted {
  if (String(labels.shape) !== String(shape)) throw unlike(data, shape, network);
  const values = data.labels && toNumbers(data.labels);
  if (values?.some((x: number) => x < 0 || x > 1))
    throw new UserError(
      `The labels of ${data.name} are not all between 0 and 1, but ${network} has yes-or-no labels. Save 0 and 1.`,
    );
  return { data: asValues(data), kind: "labels", notes: [] };
}

function fitValues(data: Dataset, labels: LabelFacts, shape: readonly number[], network: string): Fitted {
  if (!haveSameOrder(labels.shape, shape)) throw unlike(data, shape, network);
  return { data: asValues(data), kind: "values", notes: [] };
}

/** The labels in float32. */
function asValues(data: Dataset): Dataset {
  const { labels, labelType } = data;
  if (!labels || labelType === "float32") return data;
  return relabel(data, tensor("float32", labels.shape, toNumbers(labels)));
}

const unlike = ({ name, labelShape }: Dataset, shape: readonly number[], network: string) =>
  new UserError(
    `A sample of ${name} has labels of shape [${labelShape}], but ${network} takes [${shape}]. Choose other --data.`,
  );

/** Describes a task: "classification of 2 classes (different, same)". */
export function describeFolderTask(task: NetworkTask, kind: NetworkTask["kind"]): string {
  const { count, isByToken } = task;
  const own = givenNames(task);
  const called = own.length ? ` (${listSome(own, 12)})` : "";
  if (kind === "values") return count === 1 ? "regression" : `regression of ${count} values`;
  if (kind === "labels") return `${count} yes-or-no labels${called}`;
  return `classification of ${count} classes${isByToken ? " for each token" : ""}${called}`;
}

/** The value of `--task`. */
export const taskName = ({ kind, isByToken }: NetworkTask): Task =>
  kind === "values" ? "regress" : isByToken ? "tokens" : "classify";
