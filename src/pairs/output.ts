// Which output of an ONNX graph holds the scores, and of what type. The graph's own declarations say it where they are complete and the scores come
// from a product; else the graph runs once on the first samples.
import { convert, listSome, nearest, type Tensor, toNumbers, UserError } from "../core/index.ts";
import { batchAt, batchShape, type Dataset } from "../data/index.ts";
import { Graph, inputNames, serialise } from "../graph/index.ts";
import { dtypeOf } from "../models/index.ts";
import { Session } from "../runtime/index.ts";
import { declaredOutput, holdsScores, type Wanted } from "./declared-output.ts";
import type { End } from "./end.ts";
import { applyNetwork, type OnnxNetwork, type Output } from "./matching/network.ts";
import type { Pair, PairRequest, Task } from "./origin.ts";

/** Chooses the output with the scores. Throws {@link UserError} when it is not clear, or the network fails on the samples. */
export async function chooseOutput(
  network: OnnxNetwork,
  a: End,
  inputs: Pair["inputs"],
  data: Dataset,
  batch: number,
  { task = taskOf(data), output, runtime }: PairRequest,
): Promise<Output> {
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
  const wanted: Wanted = { task, labels: [batch, ...data.labelShape], classes: data.classes };
  const considered = output === undefined ? names : [output];
  const declared = declaredOutput(foreign, considered, wanted);
  if (declared) return declared;
  const found = await runOnce(network, a, inputs, considered, data, batch, runtime);
  const fits = [...found].filter(([, scores]) => holdsScores(scores, wanted));
  const described = [...found].map(([name, { shape }]) => `${name} [${shape}]`);
  if (fits.length === 0) {
    const need =
      task === "regress"
        ? `as many values as the labels [${wanted.labels}]`
        : `scores [${wanted.labels},classes] for ${data.classes} classes`;
    const advice = withoutTensor
      ? `${withoutTensor} is not a tensor. ${exportTensors}`
      : "Give other labels, or name the output and the --task.";
    throw new UserError(`No output of the model holds ${need}: it gives ${listSome(described, 8)}. ${advice}`);
  }
  if (fits.length > 1)
    throw new UserError(`Several outputs could hold the scores: ${listSome(described, 8)}. Name one with --output.`);
  const [[name, scores]] = fits;
  const type = { dtype: scores.dtype, shape: scores.shape };
  return { name, type, areProbabilities: task !== "regress" && areProbabilities(scores) };
}

/** What to do about a sequence of maps, which skl2onnx makes of the probabilities unless it is told otherwise. */
const exportTensors =
  "Export the scores as a tensor (skl2onnx: convert_sklearn(model, …, options={id(model): {'zipmap': False}})).";

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

/** Classes when labels are whole numbers, tokens when a sample has a row of them. */
const taskOf = ({ labelType, labelShape }: Dataset): Task =>
  labelType === "float32" ? "regress" : labelShape.length ? "tokens" : "classify";

async function runOnce(
  network: OnnxNetwork,
  a: End,
  inputsOf: Pair["inputs"],
  names: readonly string[],
  data: Dataset,
  size: number,
  runtime: PairRequest["runtime"],
): Promise<Map<string, Tensor>> {
  const graph = new Graph();
  const parameters = new Map(network.parameters.map((p) => [p.name, p]));
  const find = applyNetwork(network, inputsOf(graph, batchShape(data, size)), (name) => {
    const p = parameters.get(name)!;
    return graph.input(`a:${name}`, dtypeOf(p), p.shape);
  });
  const outputs = Object.fromEntries(names.map((name, i) => [`out${i}`, find(name)]));
  const weights = new Map<string, Tensor>();
  for (const input of inputNames(Object.values(outputs))) {
    const parameter = input.startsWith("a:") ? parameters.get(input.slice(2)) : undefined;
    if (parameter) weights.set(input, convert(await a.read(parameter.name), dtypeOf(parameter)));
  }
  try {
    const session = await Session.load(serialise(outputs, undefined, network.foreign.dialect), runtime);
    const results = await session.run({ ...Object.fromEntries(weights), ...batchAt(data, 0, size).inputs });
    await session.dispose();
    return new Map(names.map((name, i) => [name, results[`out${i}`]]));
  } catch (error) {
    throw cannotRun(error, data.name);
  }
}

/** The sentence for a graph that the runtime refuses. */
export function cannotRun(error: unknown, data: string): unknown {
  if (error instanceof UserError) return error;
  return new UserError(
    `ONNX Runtime cannot run the model on samples of ${data}: ${(error as Error).message.split("\n")[0]} Check the model and the data.`,
    { cause: error },
  );
}
