// What a graph declares of its outputs, where that is enough to choose one without running it; and the operations that an output comes from.
import type { ForeignModel, Port, Type } from "../../graph/index.ts";

/** Operations that give scores of any sign. */
const products = ["Gemm", "MatMul", "Add", "LogSoftmax"];
/** Operations that leave their first input's elements as they are, in their order. */
const reshaping = ["Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze"];
const passing = ["Cast", "Transpose", ...reshaping];

/** The types of outputs on a batch by the declarations; undefined where they leave something open. `labels` are the sizes of a batch's labels. */
export function declaredTypes(ports: readonly Port[], labels: readonly number[]): Map<string, Type> | undefined {
  const types = new Map<string, Type>();
  for (const port of ports) {
    const type = declaredType(port, labels);
    if (!type) return undefined;
    types.set(port.name, type);
  }
  return types;
}

/** Free sizes in front are those of the labels; the others must be declared. */
function declaredType({ dtype, shape }: Port, labels: readonly number[]): Type | undefined {
  if (!dtype || !shape) return undefined;
  const isDeclared = (n: (typeof shape)[number]) => typeof n === "number" && n > 0;
  const firstDeclared = shape.findIndex((n, i) => i > 0 && isDeclared(n));
  const sizes = shape.map((n, i) => (isDeclared(n) ? n : i < firstDeclared ? labels[i] : undefined));
  return sizes.includes(undefined) ? undefined : { dtype, shape: sizes as number[] };
}

/** True where an output comes out of a product, so that it cannot hold probabilities. */
export const comesFromProduct = ({ nodes }: ForeignModel, name: string): boolean =>
  origin(nodes, name, passing, products) !== undefined;

/** True where an output's elements come out of a sigmoid. */
export const comesFromSigmoid = ({ nodes }: ForeignModel, name: string): boolean =>
  origin(nodes, name, [...passing, "Clip"], ["Sigmoid"]) !== undefined;

/** True where an output's elements are the places of the largest scores. */
export const comesFromArgMax = ({ nodes }: ForeignModel, name: string): boolean =>
  origin(nodes, name, passing, ["ArgMax"]) !== undefined;

/** The value that a sigmoid takes, where an output is its result with at most another shape. */
export const beforeSigmoid = ({ nodes }: ForeignModel, name: string): string | undefined =>
  origin(nodes, name, reshaping, ["Sigmoid"])?.input[0];

/** The node of one of some operations that an output comes from, past others; undefined where another is between. */
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
