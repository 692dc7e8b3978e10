// Batch normalisations of an ONNX graph with the batch's own statistics, for computing running statistics anew. The graph's types are not known, so
// each channel's elements are gathered by a Reshape to [N, C, rest], which takes any rank.
import { tensor } from "../../core/index.ts";
import { applyNode, applyStandard, type Dialect, onnxTypes, type Substitute, type Value } from "../../graph/index.ts";
import type { Training } from "../../models/index.ts";

/** The stand-in for batch normalisations; `nameOf` gives the parameter behind a value of the graph. */
export function byBatchStatistics(
  training: Training,
  dialect: Dialect,
  nameOf: (held: string) => string | undefined,
): Substitute {
  const version = Number(dialect.opsets.find(({ domain }) => domain === "")?.version ?? 20n);
  return (node, inputs) => {
    const [meanName, varianceName] = [nameOf(node.input[3]), nameOf(node.input[4])];
    if (node.opType !== "BatchNormalization" || node.domain !== "" || !meanName || !varianceName) return undefined;
    const [x, scale, bias] = inputs as Value[];
    const { graph } = x;
    const ints = (...values: number[]) => graph.constant(tensor("int64", [values.length], values));
    const reduce = (value: Value, keep: 0 | 1) =>
      version >= 18
        ? applyStandard("ReduceMean", [value, ints(0, 2)], { keepdims: keep })
        : applyStandard("ReduceMean", [value], { axes: [0, 2], keepdims: keep });
    const channels = applyStandard("Reshape", [x, ints(0, 0, -1)]);
    const mean = reduce(channels, 0);
    const centred = applyStandard("Sub", [channels, reduce(channels, 1)]);
    const variance = reduce(applyStandard("Mul", [centred, centred]), 0);
    const single = (value: Value) => applyStandard("Cast", [value], { to: onnxTypes.float32 }); // what is tracked, whatever the graph is in
    const size = (value: Value) => single(applyStandard("Size", [value]));
    const count = applyStandard("Div", [size(x), size(mean)]);
    const less = applyStandard("Sub", [count, graph.constant(tensor("float32", [], [1]))]);
    training.track(meanName, single(mean));
    training.track(varianceName, applyStandard("Mul", [single(variance), applyStandard("Div", [count, less])]));
    return applyNode(graph, node, [x, scale, bias, mean, variance]);
  };
}
