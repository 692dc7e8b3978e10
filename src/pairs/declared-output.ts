// What a graph declares of its outputs, where that is enough: one output alone can hold the scores, and it comes from a product, so that it cannot hold
// probabilities.
import { sizeOf } from "../core/index.ts";
import type { ForeignModel, Port, Type } from "../graph/index.ts";
import type { Output } from "./matching/network.ts";
import type { Task } from "./origin.ts";

/** What an output must be to hold the scores. */
export interface Wanted {
  readonly task: Task;
  /** Of the labels of a batch. */
  readonly labels: readonly number[];
  readonly classes: number;
}

/** Whether an output of a type can hold the scores. */
export function holdsScores({ dtype, shape }: Type, { task, labels, classes }: Wanted): boolean {
  if (!/float/.test(dtype)) return false;
  if (task === "regress") return sizeOf(shape) === sizeOf(labels);
  return shape.length === labels.length + 1 && labels.every((n, i) => n === shape[i]) && shape.at(-1)! >= classes;
}

/** Operations that give scores of any sign. */
const products = ["Gemm", "MatMul", "Add", "LogSoftmax"];
/** Operations that leave their first input's elements as they are. */
const passing = ["Cast", "Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose"];

/** The output among `names`; undefined where the declarations leave something open. */
export function declaredOutput(foreign: ForeignModel, names: readonly string[], wanted: Wanted): Output | undefined {
  if (wanted.task === "regress") return undefined;
  const ports = names.map((name) => foreign.outputs.find((port) => port.name === name)!);
  const types = ports.map((port) => declaredType(port, wanted));
  if (types.includes(undefined)) return undefined;
  const fits = ports.flatMap(({ name }, i) => (holdsScores(types[i]!, wanted) ? [{ name, type: types[i]! }] : []));
  const [only] = fits;
  return fits.length === 1 && comesFromProduct(foreign, only.name) ? only : undefined;
}

/** The type on a batch: free sizes are those of the labels, the last one must be declared. */
function declaredType({ dtype, shape }: Port, { labels }: Wanted): Type | undefined {
  if (!dtype || !shape) return undefined;
  const sizes = shape.map((n, i) =>
    typeof n === "number" && n > 0 ? n : i < shape.length - 1 ? labels[i] : undefined,
  );
  return sizes.includes(undefined) ? undefined : { dtype, shape: sizes as number[] };
}

function comesFromProduct({ nodes }: ForeignModel, name: string): boolean {
  const node = nodes.find(({ output }) => output.includes(name));
  if (node?.domain !== "") return false;
  if (products.includes(node.opType)) return true;
  return passing.includes(node.opType) && comesFromProduct({ nodes } as ForeignModel, node.input[0]);
}
