// Finds the output of an ONNX graph with the scores, and how the labels fit it. Complete declarations are enough if the
// scores come from a product; otherwise the graph runs once on the first samples.
import { listSome, nearest, sizeOf, type Tensor, toNumbers, UserError } from "../../core/index.ts";
import { batchAt, type Dataset, labelNames } from "../../data/index.ts";
import { type ForeignModel, type Port, partFor, type Type, type Value } from "../../graph/index.ts";
import type { End } from "../end.ts";
import type { OnnxNetwork, Output } from "../matching/network.ts";
import type { Pair, PairRequest, Task } from "../origin.ts";
import { arrangeScores } from "./arrange.ts";
import {
  comesFromArgMax,
  comesFromProduct,
  comesFromSigmoid,
  comesFromSoftmax,
  declaredTypes,
  inputOf,
  usesLabels,
} from "./declared-output.ts";
import { chooseReading, factsOf, type LabelFacts, type OutputFacts, type Reading, readingsOf } from "./readings.ts";
import type { BatchFacts } from "./refusals.ts";
import { requireOwnScores, runOnce } from "./trial.ts";

/** The output with the scores, and how the labels are scored against it. */
export interface Chosen {
  readonly output: Output;
  readonly reading: Reading;
  /** The shape of the output on a batch. */
  readonly shape: readonly number[];
  readonly batchAxis: number;
  /** A note for the result. */
  readonly note?: string;
}

/** An output, and the possible readings of the labels. */
interface Candidate {
  readonly name: string;
  /** The type of the output on a batch. */
  readonly type: Type;
  readonly batchAxis: number;
  readonly readings: readonly Reading[];
  /** The output is computed from the labels and has at most one value for each. */
  readonly isLoss: boolean;
  /** Scores of some samples, if the graph was run. */
  readonly scores?: Tensor;
}

/**
 * Chooses the output with the scores. Throws {@link UserError} if the choice is ambiguous, or if the network fails on
 * the samples.
 */
export async function chooseOutput(
  network: OnnxNetwork,
  a: End,
  inputs: Pair["inputs"],
  data: Dataset,
  { size: batch, isFixed }: Pick<BatchFacts, "size" | "isFixed">,
  { task, output, runtime, batch: asked }: PairRequest,
): Promise<Chosen> {
  const { foreign } = network;
  const names = foreign.outputs.map(({ name }) => name);
  const withoutTensor = listSome(foreign.sequences, 4);
  if (output !== undefined && foreign.sequences.includes(output))
    throw new UserError(`The output ${output} of the model is not a tensor. ${exportTensors}`);
  if (names.length === 0)
    throw new UserError(
      `The model has no output that is a tensor${withoutTensor && `, only ${withoutTensor}`}. ${exportTensors}`,
    );
  if (output !== undefined && !names.includes(output)) {
    const near = nearest(output, names);
    throw new UserError(
      `The model has no output ${output}${near ? `; did you mean ${near}?` : "."} It has ${listSome(names, 12)}.`,
    );
  }
  // a constant, a weight, or random numbers are not scores
  const computed = foreign.outputs.filter(({ name }) => partFor(foreign, name).inputs.length > 0);
  const ports = computed.filter(({ name }) => output === undefined || name === output);
  if (ports.length === 0) throw notComputed(output ?? names[0], computed);
  const labels = factsOf(data);
  if (task !== undefined && task !== "regress" && !labels.areWhole)
    throw new UserError(
      `--task ${task} needs class labels, but the labels of ${data.name} are real values (float32). Convert them to integers, or omit --task.`,
    );
  const labelInputs = inputsWithLabels(data);
  const candidateOf = (port: Port, type: Type, batchAxis: number, scores?: Tensor): Candidate => {
    const facts = outputFacts(port, type, batchAxis, comesFromSigmoid(foreign, port.name));
    const isLoss =
      sizeOf(type.shape) <= (type.shape[batchAxis] ?? 1) * sizeOf(labels.shape) &&
      usesLabels(foreign, port.name, labelInputs);
    const hasBatch = type.shape.includes(batch);
    const areScores = /float/.test(type.dtype) && hasBatch && !isLoss && !comesFromArgMax(foreign, port.name);
    const readings = areScores ? readingsOf(labels, facts, task) : [];
    return { name: port.name, type, batchAxis, readings, isLoss, scores };
  };
  const trial = { network, a, inputs, data, runtime, isFixed };
  const byDeclaration = isBatchFirst(data) ? declaredTypes(ports, batch) : undefined;
  const declared = ports
    .flatMap((port) => (byDeclaration ? [candidateOf(port, byDeclaration.get(port.name)!, 0)] : []))
    .filter(({ readings }) => readings.length > 0);
  if (declared.length === 1 && isFromProduct(declared[0])) {
    await requireOwn(declared[0]);
    return chosen(declared[0]);
  }

  const probe = isBatchFirst(data) ? batch : probeSize(foreign, data, { size: batch, isFixed });
  const found = await runOnce(trial, ports, probe);
  const candidates = ports.map((port) => {
    const scores = found.get(port.name)!;
    const axis = batchAxisOf(network, data, port, scores.shape, probe);
    const shape = scores.shape.map((n, i) => (i === axis && n === probe ? batch : n));
    return candidateOf(port, { dtype: scores.dtype, shape }, axis, scores);
  });
  const fits = candidates.filter(({ readings }) => readings.length > 0);
  const described = candidates.map(({ name, type }) => `${name} [${type.shape}]`);
  if (fits.length === 0) {
    const sizes = [batch, ...data.labelShape];
    throw (
      noScores(foreign, candidates, computed.length) ??
      noBatch(candidates, batch) ??
      noOutput(labels, sizes, data.count, task, candidates, described, withoutTensor)
    );
  }
  if (fits.length > 1)
    throw new UserError(`Several outputs could be the scores: ${listSome(described, 8)}. Choose one with --output.`);
  await requireOwn(fits[0]);
  return chosen(fits[0]);

  /** Neither the user nor the number of samples may have chosen the batch. */
  async function requireOwn({ name, type: { shape }, batchAxis }: Candidate): Promise<void> {
    const port = ports.find((one) => one.name === name)!;
    if (asked === undefined && batch < data.count) await requireOwnScores(trial, port, shape, batchAxis, batch);
  }

  function isFromProduct({ name, readings: [{ kind }, ...others] }: Candidate): boolean {
    return others.length === 0 && (kind === "classes" || kind === "one-hot") && comesFromProduct(foreign, name);
  }

  function chosen(candidate: Candidate): Chosen {
    const { name, type, batchAxis, readings, scores } = candidate;
    const reading = chooseReading(readings, labels, `${name} [${type.shape}]`, data.name, task);
    const { shape } = type;
    if (reading.kind !== "binary") {
      const { classAxis } = reading;
      const axis = classAxis === undefined ? 0 : classAxis < batchAxis ? classAxis : classAxis + 1;
      if (reading.kind !== "values" && comesFromSigmoid(foreign, name))
        return beforeSigmoids(foreign, candidate, reading);
      // a softmax over other axes than the classes does not sum to 1 along them
      const isDistribution = scores !== undefined && areProbabilities(scores, axis);
      // a probability that underflows has lost its logit
      const from = isDistribution && reading.kind !== "values" ? inputOf("Softmax", foreign, name) : undefined;
      if (from !== undefined) return beforeActivation(candidate, reading, from, "softmax", "the scores");
      return {
        output: {
          name,
          type,
          areProbabilities: reading.kind !== "values" && (isDistribution || comesFromSoftmax(foreign, name)),
          arrange: (value) => arrangeScores(value, { shape, batchAxis, reading }),
        },
        reading,
        shape,
        batchAxis,
      };
    }
    const from = inputOf("Sigmoid", foreign, name);
    const isProbability =
      from === undefined && (comesFromSigmoid(foreign, name) || (scores !== undefined && areInUnitRange(scores)));
    return {
      output: {
        name,
        from,
        // reshapes may be between the sigmoid and the output, but they do not change the order
        type: from === undefined ? type : { dtype: type.dtype, shape: [sizeOf(shape)] },
        arrange: (value) => arrangeScores(value, { shape, batchAxis, reading, isProbability }),
      },
      reading,
      shape,
      batchAxis,
    };
  }
}

/** Advice for a sequence of maps, the default output of skl2onnx for probabilities. */
const exportTensors =
  "Export the scores as a tensor (skl2onnx: convert_sklearn(model, …, options={id(model): {'zipmap': False}})).";

/** Chooses the values before the sigmoid for an output of one sigmoid per class, since a softmax needs logits. */
function beforeSigmoids(foreign: ForeignModel, candidate: Candidate, reading: Reading): Chosen {
  const { name, type } = candidate;
  const from = inputOf("Sigmoid", foreign, name);
  if (from === undefined)
    throw new UserError(
      `The output ${name} [${type.shape}] is a sigmoid of each class's score, which is not a distribution over the classes. Export the scores before the sigmoid.`,
    );
  return beforeActivation(candidate, reading, from, "sigmoid", "each class's score");
}

/** Chooses the logits `from` instead of an output, their activation; `of` describes them. */
function beforeActivation(
  { name, type, batchAxis }: Candidate,
  reading: Reading,
  from: string,
  activation: "sigmoid" | "softmax",
  of: string,
): Chosen {
  const { shape } = type;
  const arrange = (value: Value) => arrangeScores(value, { shape, batchAxis, reading });
  const output = { name, from, type: { dtype: type.dtype, shape: [sizeOf(shape)] }, arrange };
  const note = `The output ${name} is a ${activation} of ${of}; the scores before the ${activation} are used as logits.`;
  return { output, reading, shape, batchAxis, note };
}

/** The error for an output that is not computed from the samples; `computed` are those that are. */
function notComputed(output: string, computed: readonly Port[]): UserError {
  const others = computed.map(({ name }) => name);
  return new UserError(
    `The output ${output} of the model does not depend on the samples, so it has no scores. ${
      others.length ? `Choose another --output: ${listSome(others, 12)}.` : "Export the model with its scores."
    }`,
  );
}

/** The error if all outputs are losses, class indices or other integers; undefined if one may be scores. */
function noScores(foreign: ForeignModel, candidates: readonly Candidate[], outputs: number): UserError | undefined {
  const [{ name: loss, type: lossType }] = candidates;
  if (candidates.every(({ isLoss }) => isLoss) && foreign.sequences.length === 0)
    return new UserError(
      `The output ${loss} [${lossType.shape}] of the model is a loss, which the graph computes from labels, not scores. ${
        outputs > candidates.length
          ? "Choose another --output."
          : "Export the model with its scores (logits) as an output."
      }`,
    );
  const isPlace = ({ name }: Candidate) => comesFromArgMax(foreign, name);
  const areAll = candidates.every((one) => isPlace(one) || !/float/.test(one.type.dtype));
  if (!areAll || foreign.sequences.length > 0) return undefined;
  const one = candidates.find(isPlace) ?? candidates[0];
  const { name, type } = one;
  const output = `The output ${name} [${type.shape}] of the model contains`;
  return new UserError(
    isPlace(one)
      ? `${output} class indices (${type.dtype}, from ArgMax), not scores, so it has no loss. Export the model without the final ArgMax.`
      : `${output} ${type.dtype}, not scores. Export the model with float scores.`,
  );
}

/** The error if no output has an axis of the batch's length, so that it has no scores for each sample. */
function noBatch(candidates: readonly Candidate[], batch: number): UserError | undefined {
  if (candidates.some(({ type }) => type.shape.includes(batch))) return undefined;
  const { name, type } = candidates.find(({ isLoss }) => !isLoss) ?? candidates[0];
  return new UserError(
    `The output ${name} of the model has the shape [${type.shape}] for a batch of ${batch}, without an axis for the samples. Export the model again so that the scores have that axis.`,
  );
}

function noOutput(
  labels: LabelFacts,
  sizes: readonly number[],
  samples: number,
  task: Task | undefined,
  candidates: readonly Candidate[],
  described: readonly string[],
  withoutTensor: string,
): UserError {
  const areValues = task === "regress" || !labels.areWhole;
  const need = areValues ? `values for the labels [${sizes}]` : scoresFor(labels, sizes[0]);
  const areAmongEachOther =
    sizes[0] < samples && candidates.some(({ type }) => String(type.shape) === `${sizes[0]},${sizes[0]}`);
  const suspicion = areAmongEachOther
    ? `If the scores compare all samples with each other, evaluate them together with --batch ${samples}. `
    : areValues
      ? suspicionOfValues(labels, candidates)
      : suspicionOf(labels, candidates);
  const advice = withoutTensor
    ? `${withoutTensor} is not a tensor. ${exportTensors}`
    : `${suspicion}Give other labels, or set ${task ? "--output" : "--output and --task"}.`;
  return new UserError(`No output of the model contains ${need}. Its outputs are ${listSome(described, 8)}. ${advice}`);
}

const positionsOf = ({ shape }: LabelFacts): number[] => shape.filter((n) => n !== 1);

/** The shapes of scores that would fit class labels; for images, with the classes first (as in PyTorch) or last. */
function scoresFor(labels: LabelFacts, batch: number): string {
  const positions = positionsOf(labels);
  const last = `[${[batch, ...positions, "classes"]}]`;
  const scores = positions.length > 1 ? `[${[batch, "classes", ...positions]}] or ${last}` : last;
  return `scores ${scores} for ${labels.classes} classes (the largest label is ${labels.classes - 1})`;
}

/** Advice for values whose axes are in another order than the output's, as a sentence that ends in a space. */
function suspicionOfValues(labels: LabelFacts, candidates: readonly Candidate[]): string {
  const sorted = (shape: readonly number[]) => String([...shape].sort((x, y) => x - y));
  const alike = candidates.find(
    ({ type: { shape }, batchAxis }) => sorted(shape.toSpliced(batchAxis, 1)) === sorted(labels.shape),
  );
  return alike ? `If the axes of the labels are in another order, transpose them to [${alike.type.shape}]. ` : "";
}

/** Likely faults of class labels, as sentences that end in a space. */
function suspicionOf(labels: LabelFacts, candidates: readonly Candidate[]): string {
  const shapes = candidates.flatMap(({ type: { shape }, batchAxis, isLoss }) =>
    isLoss || shape.length === 0 ? [] : [shape.toSpliced(batchAxis, 1)],
  );
  if (positionsOf(labels).length === 0 && shapes.some((shape) => sizeOf(shape) === 1))
    return "If the labels are values, such as ages, use --task regress. ";
  if (labels.classes === 256 && labels.areBlackAndWhite())
    return "If the labels are masks of a picture, divide them by 255. ";
  if (labels.classes === 256) return "If 255 marks ignored labels, save -1 instead. ";
  const fromZero = { ...labels, classes: labels.classes - 1 };
  const isOneMore = shapes.some((shape) => readingsOf(fromZero, { shape }).some(({ kind }) => kind === "classes"));
  if (isOneMore && !labels.hasZero) return "If the labels are counted from 1, subtract 1. ";
  const positions = positionsOf(labels);
  const [length] = shapes.flatMap((shape) => (shape.length === 2 && shape[1] >= labels.classes ? [shape[0]] : []));
  if (positions.length === 1 && length !== undefined)
    return `A sample needs a label for each of its ${length} positions; negative ones do not count. `;
  const others = shapes.flatMap((shape) =>
    shape.length === positions.length + 1 && shape[0] >= labels.classes ? [shape.slice(1)] : [],
  );
  if (positions.length < 2 || others.length === 0) return "";
  return `If these are scores at [${others[0]}] for labels at [${positions}], resize the scores in the graph, or the labels. `;
}

/** Facts about an output, without the batch axis. */
function outputFacts({ shape }: Port, type: Type, batchAxis: number, isSigmoid: boolean): OutputFacts {
  const free = shape?.map((size) => typeof size !== "number" || size <= 0).toSpliced(batchAxis, 1);
  return {
    shape: type.shape.toSpliced(batchAxis, 1),
    isSigmoid,
    free: free?.flatMap((one, axis) => (one ? [axis] : [])),
  };
}

/** The inputs that hold the labels, for a graph that computes its own loss. */
function inputsWithLabels(data: Dataset): Set<string> {
  const usual = data.inputs.length > 1 ? data.inputs.filter(({ name }) => labelNames.includes(name)) : [];
  if (usual.length === 0) return new Set();
  const { inputs, labels } = batchAt(data, 0, Math.min(data.count, 64));
  const marks = String(toNumbers(labels));
  return new Set(usual.flatMap(({ name }) => (String(toNumbers(inputs[name])) === marks ? [name] : [])));
}

const isBatchFirst = ({ inputs }: Dataset): boolean => inputs.every(({ axis = 0 }) => !axis);

/**
 * The number of samples for a run that finds an output's batch axis: one that differs from all other sizes, if
 * possible.
 */
function probeSize(
  foreign: ForeignModel,
  { inputs, count }: Dataset,
  { size: batch, isFixed }: Pick<BatchFacts, "size" | "isFixed">,
): number {
  const taken = new Set([
    ...[...foreign.inputs, ...foreign.outputs].flatMap(({ shape }) => shape ?? []),
    ...inputs.flatMap(({ shape }) => shape),
  ]);
  for (let size = Math.min(batch, count); size > 0 && !isFixed; size--) if (!taken.has(size)) return size;
  return batch;
}

/**
 * The batch axis of an output: the one with the same name as the inputs' batch axis, else the one with the same size.
 */
function batchAxisOf(
  { foreign }: OnnxNetwork,
  data: Dataset,
  { shape: declared }: Port,
  shape: readonly number[],
  size: number,
): number {
  const names = new Set(
    data.inputs.flatMap(({ name, axis = 0 }) => {
      const port = foreign.inputs.find((one) => one.name === name) ?? foreign.inputs[0];
      const own = axis === null ? undefined : port.shape?.[axis];
      return typeof own === "string" && own !== "" ? [own] : [];
    }),
  );
  const named = declared?.findIndex((one) => typeof one === "string" && names.has(one)) ?? -1;
  if (named >= 0) return named;
  return isBatchFirst(data) ? 0 : Math.max(0, shape.indexOf(size));
}

/** Whether every row of scores along an axis is a distribution, as after a softmax. */
export function areProbabilities(scores: Tensor, axis = scores.shape.length - 1): boolean {
  const classes = scores.shape[axis];
  const inner = sizeOf(scores.shape.slice(axis + 1));
  const values = toNumbers(scores);
  if (classes < 2) return false;
  for (let row = 0; row < values.length; row += classes * inner)
    for (let at = row; at < row + inner; at++) {
      let sum = 0;
      for (let i = 0; i < classes; i++) sum += values[at + i * inner] >= 0 ? values[at + i * inner] : Number.NaN;
      if (!(Math.abs(sum - 1) < 1e-3)) return false; // also holds in 16 bits
    }
  return true;
}

const areInUnitRange = (scores: Tensor): boolean => toNumbers(scores).every((x: number) => x >= 0 && x <= 1);
