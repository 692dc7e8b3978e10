// The declared types of a graph's outputs, used to choose one without running the graph, and the operations that an
// output comes from.
import { type ForeignModel, makersOf, type Port, type Type } from "../../graph/index.ts";

/** Operations whose results can have any sign. */
const products = ["Gemm", "MatMul", "Add", "LogSoftmax"];
/** Operations that keep their first input's elements and their order. */
const reshaping = ["Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze"];
const losses = ["SoftmaxCrossEntropyLoss", "NegativeLogLikelihoodLoss"];
const passing = ["Cast", "Transpose", ...reshaping];

/** The declared types of outputs on a batch; undefined if they are incomplete. */
export function declaredTypes(ports: readonly Port[], batch: number): Map<string, Type> | undefined {
  const types = new Map<string, Type>();
  for (const port of ports) {
    const type = declaredType(port, batch);
    if (!type) return undefined;
    types.set(port.name, type);
  }
  return types;
}

/** Only the first axis may be free: the labels may have another length than a free axis has when the graph runs. */
function declaredType({ dtype, shape }: Port, batch: number): Type | undefined {
  if (!dtype || !shape) return undefined;
  const isDeclared = (n: (typeof shape)[number]) => typeof n === "number" && n > 0;
  const sizes = shape.map((n, i) => (isDeclared(n) ? n : i === 0 && shape.length > 1 ? batch : undefined));
  return sizes.includes(undefined) ? undefined : { dtype, shape: sizes as number[] };
}

/** True if an output comes from a product, so it does not contain probabilities. */
export const comesFromProduct = ({ nodes }: ForeignModel, name: string): boolean =>
  origin(nodes, name, passing, products) !== undefined;

/** True if an output's elements come from a sigmoid. */
export const comesFromSigmoid = ({ nodes }: ForeignModel, name: string): boolean =>
  origin(nodes, name, [...passing, "Clip"], ["Sigmoid"]) !== undefined;

/** True if an output's elements come from a softmax, over any axes. */
export const comesFromSoftmax = ({ nodes }: ForeignModel, name: string): boolean =>
  origin(nodes, name, passing, ["Softmax"]) !== undefined;

/** True if an output's elements are the indices of the largest scores. */
export const comesFromArgMax = ({ nodes }: ForeignModel, name: string): boolean =>
  origin(nodes, name, passing, ["ArgMax"]) !== undefined;

/** True if an output is computed from labels: by a loss operation, or from an input that holds them. */
export function usesLabels({ nodes }: ForeignModel, name: string, labels: ReadonlySet<string>): boolean {
  const makers = makersOf(nodes);
  const seen = new Set<string>();
  const waiting = [name];
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    if (labels.has(value)) return true;
    const maker = makers.get(value);
    if (!maker || seen.has(value)) continue;
    seen.add(value);
    const isLossOperation = maker.domain === "" && losses.includes(maker.opType);
    if (isLossOperation && maker.output[0] === value) return true;
    // the second output is log-probabilities
    waiting.push(...(isLossOperation ? maker.input.slice(0, 1) : maker.input));
  }
  return false;
}

/** The input of the activation that an output comes from; undefined if anything but reshapes is between them. */
export const inputOf = (activation: "Sigmoid" | "Softmax", { nodes }: ForeignModel, name: string): string | undefined =>
  origin(nodes, name, reshaping, [activation])?.input[0];

/**
 * The node of a `wanted` operation that an output comes from, looking through `past` operations; undefined if any other
 * is between.
 */
function origin(
  nodes: ForeignModel["nodes"],
  name: string,
  past: readonly string[],
  wanted: readonly string[],
): ForeignModel["nodes"][number] | undefined {
  const node = nodes.find(({ output }) => output.includes(name));
  if (node?.domain !== "") return undefined;
  if (wanted.includes(node.opType)) return node;
  return past.includes(node.opType) ? origin(nodes, node.input[0], past, wanted) : undefined;
}
