// Runs a graph once on the first samples, with the weights of a, to see what its outputs contain.
import { convert, type Tensor, UserError } from "../../core/index.ts";
import { batchAt, batchShape, type Dataset } from "../../data/index.ts";
import { Graph, inputNames, type Port, serialise } from "../../graph/index.ts";
import { dtypeOf } from "../../models/index.ts";
import { Session } from "../../runtime/index.ts";
import type { End } from "../end.ts";
import { applyNetwork, type OnnxNetwork } from "../matching/network.ts";
import type { Pair, PairRequest } from "../origin.ts";
import { cannotRun } from "./refusals.ts";

/** What a trial run needs: the network, its weights and inputs, and the samples. */
export interface Trial {
  readonly network: OnnxNetwork;
  readonly a: End;
  readonly inputs: Pair["inputs"];
  readonly data: Dataset;
  readonly runtime: PairRequest["runtime"];
  /** The graph's inputs declare the batch. */
  readonly isFixed?: boolean;
}

/** The outputs of `ports` on the first `size` samples, by name. Throws {@link UserError} if the graph cannot run. */
export async function runOnce(
  { network, a, inputs, data, runtime, isFixed }: Trial,
  ports: readonly Port[],
  size: number,
): Promise<Map<string, Tensor>> {
  const graph = new Graph();
  const parameters = new Map(network.parameters.map((p) => [p.name, p]));
  const find = applyNetwork(network, inputs(graph, batchShape(data, size)), (name) => {
    const p = parameters.get(name)!;
    return graph.input(`a:${name}`, dtypeOf(p), p.shape);
  });
  const outputs = Object.fromEntries(ports.map(({ name }, i) => [`out${i}`, find(name)]));
  const weights = new Map<string, Tensor>();
  for (const input of inputNames(Object.values(outputs))) {
    const parameter = input.startsWith("a:") ? parameters.get(input.slice(2)) : undefined;
    if (parameter) weights.set(input, convert(await a.read(parameter.name), dtypeOf(parameter)));
  }
  try {
    const session = await Session.load(serialise(outputs, undefined, network.foreign.dialect), runtime);
    const results = await session.run({ ...Object.fromEntries(weights), ...batchAt(data, 0, size).inputs });
    await session.dispose();
    return new Map(ports.map(({ name }, i) => [name, results[`out${i}`]]));
  } catch (error) {
    throw cannotRun(error, data.name, network, { size, samples: data.count, isFixed });
  }
}

/**
 * Throws {@link UserError} if the scores of `port`, whose shape on `batch` samples is given, compare the samples of a
 * batch with each other, as CLIP's do: the batch would decide the loss.
 */
export async function requireOwnScores(
  trial: Trial,
  port: Port,
  shape: readonly number[],
  batchAxis: number,
  batch: number,
): Promise<void> {
  const among = shape.findIndex((n, axis) => n === batch && axis !== batchAxis);
  if (among < 0 || batch < 3) return;
  const fewer = await runOnce(trial, [port], batch - 1).catch(() => undefined); // the graph may have a fixed batch
  if (fewer?.get(port.name)?.shape[among] !== batch - 1) return;
  throw new UserError(
    `The scores ${port.name} [${shape}] of the model compare the samples of a batch with each other, so the batch decides the loss. Choose it with --batch: ${trial.data.count} evaluates all samples together.`,
  );
}
