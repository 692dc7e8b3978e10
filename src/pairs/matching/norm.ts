// Batch normalisations of an ONNX graph with batch statistics, used to recalibrate running statistics. Ranks are
// unknown, so each channel's elements are gathered by a Reshape to [N, C, rest], which works for any rank.
import { tensor, UserError } from "../../core/index.ts";
import {
  applyNode,
  applyStandard,
  axesAreInput,
  type ForeignModel,
  onnxTypes,
  type Substitute,
  standardVersion,
  type Value,
} from "../../graph/index.ts";
import type { Training } from "../../models/index.ts";

/**
 * The running statistics of a graph that {@link byBatchStatistics} cannot recalibrate, because their normalisations are
 * in functions or subgraphs.
 */
export function hiddenStatistics({ statistics, held, nodes }: ForeignModel): string[] {
  const own = new Set(nodes.filter((node) => node.opType === "BatchNormalization").flatMap(({ input }) => input));
  return held.map(({ name }) => name).filter((name) => statistics.has(name) && !own.has(name));
}

/** Throws {@link UserError} if a recalibration would change nothing, or only part of the network. */
function requireRunning(foreign: ForeignModel): void {
  if (foreign.usesBatch && foreign.norms.size === 0)
    throw new UserError(
      "The graph normalises by batch statistics (BatchNormalization in training mode), so --stats recalibrate has no effect. Omit it, or export the model in evaluation mode.",
    );
  const [hidden] = hiddenStatistics(foreign);
  if (hidden)
    throw new UserError(
      `The graph has a BatchNormalization inside a function or a subgraph (it uses ${hidden}), which --stats recalibrate cannot reach. Omit the option, or inline the functions (Python: onnx.inliner.inline_local_functions).`,
    );
}

/** The substitute for batch normalisations; `nameOf` gives the parameter of a graph's weight. */
export function byBatchStatistics(
  training: Training,
  foreign: ForeignModel,
  nameOf: (held: string) => string | undefined,
): Substitute {
  requireRunning(foreign);
  const version = standardVersion(foreign.dialect.opsets) ?? 20;
  return (node, inputs) => {
    if (!foreign.norms.has(node)) return undefined;
    const [meanName, varianceName] = [nameOf(node.input[3]), nameOf(node.input[4])];
    if (!meanName || !varianceName) return undefined;
    const [x, scale, bias] = inputs as Value[];
    const { graph } = x;
    const ints = (...values: number[]) => graph.constant(tensor("int64", [values.length], values));
    const reduce = (value: Value, keep: 0 | 1) =>
      axesAreInput("ReduceMean", version)
        ? applyStandard("ReduceMean", [value, ints(0, 2)], { keepdims: keep })
        : applyStandard("ReduceMean", [value], { axes: [0, 2], keepdims: keep });
    const channels = applyStandard("Reshape", [x, ints(0, 0, -1)]);
    const mean = reduce(channels, 0);
    const centred = applyStandard("Sub", [channels, reduce(channels, 1)]);
    const variance = reduce(applyStandard("Mul", [centred, centred]), 0);
    // tracked statistics are float32 in any graph
    const single = (value: Value) => applyStandard("Cast", [value], { to: onnxTypes.float32 });
    const size = (value: Value) => single(applyStandard("Size", [value]));
    const count = applyStandard("Div", [size(x), size(mean)]);
    const less = applyStandard("Sub", [count, graph.constant(tensor("float32", [], [1]))]);
    training.track(meanName, single(mean));
    training.track(varianceName, applyStandard("Mul", [single(variance), applyStandard("Div", [count, less])]));
    return applyNode(graph, node, [x, scale, bias, mean, variance]);
  };
}
