// The readings of labels: every way in which their shape and values fit an output, and the choice of one.
import { sizeOf, toNumbers, UserError } from "../../core/index.ts";
import type { Dataset } from "../../data/index.ts";
import type { Task } from "../origin.ts";

/** One way to score an output. Axes do not count the batch axis. */
export interface Reading {
  readonly task: Task;
  readonly kind: "classes" | "one-hot" | "binary" | "values";
  /** 0 if labels are values. */
  readonly classes: number;
  /** The axis with a score for every class, if there is one. */
  readonly classAxis?: number;
  /** The axis of one-hot labels with an element for every class; the other axes are the positions. */
  readonly oneHotAxis?: number;
  /** The shape of a sample's labels. */
  readonly positions: readonly number[];
}

/** Facts about labels. Integers may be stored as floats. */
export interface LabelFacts {
  /** The shape for one sample. */
  readonly shape: readonly number[];
  readonly areFloats: boolean;
  readonly areWhole: boolean;
  /** The largest label plus one; 0 for values. */
  readonly classes: number;
  /** At least one label is 0. */
  readonly hasZero: boolean;
  /** True if the labels are 0 and 255, as in a black and white picture. */
  areBlackAndWhite(): boolean;
  /** True if every row along an axis (of a sample, in a shape of the same size) has one 1, and zeros elsewhere. */
  isOneHot(axis: number, shape?: readonly number[]): boolean;
  /** True if every row along an axis is a distribution. */
  isDistribution(axis: number): boolean;
}

export function factsOf({ labels, labelShape: own, labelType, classes }: Dataset): LabelFacts {
  const areFloats = labelType === "float32";
  const values = labels && toNumbers(labels);
  const areWhole = !areFloats || (values?.every((x: number) => Number.isInteger(x)) ?? false);
  const everyRow = (axis: number, holds: (row: Float64Array) => boolean, shape = own): boolean => {
    if (!values || shape.length === 0) return false;
    const [length, inner] = [shape[axis], sizeOf(shape.slice(axis + 1))];
    const row = new Float64Array(length);
    for (let start = 0; start < values.length; start += length * inner)
      for (let at = 0; at < inner; at++) {
        for (let i = 0; i < length; i++) row[i] = values[start + i * inner + at];
        if (!holds(row)) return false;
      }
    return true;
  };
  const sumsToOne = (row: Float64Array) => Math.abs(row.reduce((sum, x) => sum + x, 0) - 1) < 1e-3;
  return {
    shape: own,
    areFloats,
    areWhole,
    classes: areFloats && areWhole && values ? Math.max(-1, largestOf(values)) + 1 : classes,
    hasZero: values?.includes(0) ?? false,
    areBlackAndWhite: () => values?.every((x: number) => x === 0 || x === 255) ?? false,
    isOneHot: (axis, shape) => everyRow(axis, (row) => row.every((x) => x === 0 || x === 1) && sumsToOne(row), shape),
    isDistribution: (axis) => everyRow(axis, (row) => row.every((x) => x >= 0) && sumsToOne(row)),
  };
}

function largestOf(values: ArrayLike<number>): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) largest = Math.max(largest, values[i]);
  return largest;
}

/** Facts about an output. */
export interface OutputFacts {
  /** The shape for one sample. */
  readonly shape: readonly number[];
  /** Its elements come from a sigmoid. */
  readonly isSigmoid?: boolean;
  /** Axes without a declared size, so not the class axis. */
  readonly free?: readonly number[];
}

/** The possible readings of labels; several if they are ambiguous. */
export function readingsOf(labels: LabelFacts, output: OutputFacts, task?: Task): Reading[] {
  const fitting = [...classReadings(labels, output), ...singleReadings(labels, output)];
  const values = fitting.filter(({ kind }) => kind === "values");
  const binary = fitting.filter(({ kind }) => kind === "binary");
  const classes = fitting.filter(({ kind }) => kind === "classes" || kind === "one-hot");
  if (task === "regress") return values;
  if (task) {
    const asked = classes.filter((one) => one.task === task);
    return asked.length ? asked : classes.length ? classes : binary;
  }
  if (!labels.areWhole) return values;
  if (classes.length) return classes;
  if (binary.length) return output.isSigmoid ? binary : [...binary, ...values];
  return labels.areFloats ? values : [];
}

const withoutOnes = (shape: readonly number[]): string => shape.filter((n) => n !== 1).join();

/** Readings with a score for every class, along the last axis or (as in PyTorch for images) the first. */
function classReadings({ shape, areWhole, classes, isOneHot }: LabelFacts, output: OutputFacts): Reading[] {
  if (!areWhole) return [];
  const isSameOrder = haveSameOrder(shape, output.shape);
  // masks may have the classes last and their scores first, or the reverse
  const oneHotAxis = (classAxis: number, positions: readonly number[]) => {
    if (isSameOrder) return isOneHot(classAxis, output.shape) ? classAxis : undefined;
    return [...shape.keys()].find(
      (axis) =>
        shape[axis] === output.shape[classAxis] &&
        String(shape.toSpliced(axis, 1)) === String(positions) &&
        isOneHot(axis),
    );
  };
  const last = output.shape.length - 1;
  const fitting = [...new Set([last, 0])].flatMap((axis): Reading[] => {
    const size = output.shape[axis];
    if (output.shape.length === 0 || size < 2) return [];
    const positions = output.shape.toSpliced(axis, 1);
    const isSingle = positions.every((n) => n === 1);
    const task = isSingle ? "classify" : axis === last ? "tokens" : "segment";
    const reading = { task, classes: size, classAxis: axis, positions } as const;
    if (withoutOnes(shape) === withoutOnes(positions)) return classes <= size ? [{ ...reading, kind: "classes" }] : [];
    const along = oneHotAxis(axis, positions);
    return along === undefined ? [] : [{ ...reading, kind: "one-hot", oneHotAxis: along }];
  });
  const declared = fitting.filter(({ classAxis }) => !output.free?.includes(classAxis!));
  return declared.length ? declared : fitting;
}

/** Readings with one score for every label. */
function singleReadings({ shape, areWhole, classes }: LabelFacts, output: OutputFacts): Reading[] {
  if (!haveSameOrder(shape, output.shape)) return [];
  const positions = output.shape.filter((n) => n !== 1);
  const values: Reading = { task: "regress", kind: "values", classes: 0, positions: shape };
  return areWhole && classes <= 2 ? [{ task: "classify", kind: "binary", classes: 2, positions }, values] : [values];
}

/**
 * True if two shapes have their elements in the same order: they are equal apart from sizes of 1, or one is the other
 * with neighbouring axes merged.
 */
export function haveSameOrder(x: readonly number[], y: readonly number[]): boolean {
  if (sizeOf(x) !== sizeOf(y)) return false;
  const ends = (shape: readonly number[]) => shape.map((_, i) => sizeOf(shape.slice(0, i + 1)));
  const [own, other] = [x, y].map((shape) => new Set([1, ...ends(shape)]));
  return [...own].every((end) => other.has(end)) || [...other].every((end) => own.has(end));
}

/** Chooses a reading. Throws {@link UserError} if the choice is ambiguous. */
export function chooseReading(
  readings: readonly Reading[],
  labels: LabelFacts,
  output: string,
  data: string,
  task?: Task,
): Reading {
  const [reading, other] = readings;
  if (other?.kind === "values")
    throw new UserError(
      `The labels of ${data} are 0 and 1, and the output ${output} has one score for each, so they could be classes (binary cross entropy) or values (squared error). Choose with --task classify or --task regress.`,
    );
  if (other)
    throw new UserError(
      `The classes of the output ${output} could be along the last axis (tokens) or the first after the batch (segmentation). Choose with --task tokens or --task segment.`,
    );
  const isSoft =
    task === undefined && reading.kind === "values" && !labels.areWhole && labels.shape.length > 0 && areSoft(labels);
  if (isSoft)
    throw new UserError(
      `The labels of ${data} are soft labels (rows that sum to 1), which are not supported. Save the class of each sample, or use the squared error with --task regress.`,
    );
  return reading;
}

const areSoft = ({ shape, isDistribution }: LabelFacts): boolean =>
  [shape.length - 1, 0].some((axis) => shape[axis] > 1 && isDistribution(axis));

/** Notes on labels that need a conversion, or that are partly ignored. */
export function notesOf(
  reading: Reading,
  { areFloats }: LabelFacts,
  { weights, count, labelShape }: Dataset,
): string[] {
  const notes: string[] = [];
  if (reading.kind === "one-hot") notes.push("The labels are one-hot rows; the class of each row is used.");
  else if (areFloats && reading.kind !== "values")
    notes.push("The labels are integers stored as floats; they are used as classes.");
  if (weights && reading.kind !== "values") {
    const all = count * sizeOf(labelShape);
    const counted = weights.reduce((sum, n) => sum + n, 0);
    notes.push(`${all - counted} of ${all} labels are negative and do not count.`);
  }
  return notes;
}
