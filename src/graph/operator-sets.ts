// Operations that layerwise appends to a foreign graph (the loss, the error, bound or unfolded weights, statistics of
// batches) must be in the operator set that the graph imports. Some are newer, and some had another form. The oldest
// set is 7, as in ONNX Runtime.
import { sizeOf, tensor, UserError } from "../core/index.ts";
import { Graph, type Node, nodesOf, type Value } from "./graph.ts";
import { add, cast, concat, equal, gather, greater, mul, newest, reshape, sub, transpose, where } from "./ops/index.ts";
import { constantInts } from "./ops/operation.ts";
import { rebuild } from "./rebuild.ts";

/** The oldest operator set that is written; the oldest that ONNX Runtime runs. */
export const oldest = 7;

/** The operator set in which a reduction's axes became an input; before, they were an attribute. */
const axesBecameInput: Readonly<Record<string, number>> = { ReduceSum: 13, ReduceMean: 18, ReduceMax: 18 };

export const axesAreInput = (op: string, version: number): boolean => version >= (axesBecameInput[op] ?? 0);

/** The first operator set that has an operation in the form of ops/. */
function since({ op, inputs: [x], attributes }: Node): number {
  const isFloat = /float/.test(x?.known?.dtype ?? "float32");
  switch (op) {
    case "Expand":
      return 8;
    case "Where":
    case "OneHot":
    case "Erf":
      return 9;
    case "Greater":
      return isFloat ? oldest : 9;
    case "Slice":
      return 10;
    case "Equal":
      return isFloat ? 11 : oldest;
    case "Pad":
      return 11;
    case "GreaterOrEqual":
      return 12;
    case "Min":
      return isFloat ? 8 : 12;
    case "Softmax":
    case "LogSoftmax": // before 13, they flattened all axes from the given one on
      return Number(attributes.axis) === x!.shape.length - 1 ? oldest : 13;
    case "LayerNormalization":
      return 17;
    case "Gelu":
      return 20;
    default:
      return oldest;
  }
}

/** The same value from operations of an older set; undefined where none exist. */
function olderForm({ op, attributes, outputs: [y] }: Node, inputs: readonly Value[]): Value | undefined {
  const [x, second, third] = inputs;
  const { graph } = x;
  const isFloat = /float/.test(x.dtype);
  const range = (n: number) => graph.constant(tensor("int64", [n], [...Array(n).keys()]));
  switch (op) {
    case "Expand":
      return add(x, graph.constant(tensor(y.dtype, y.shape)));
    case "Where": {
      // the elements of both, one after the other, and the index of the chosen one for each position
      const size = sizeOf(y.shape);
      const whole = (value: Value) => reshape(add(value, graph.constant(tensor(value.dtype, y.shape))), [size]);
      const isOther = sub(graph.constant(tensor("int64", [], [1])), cast(x, "int64"));
      const places = add(mul(whole(isOther), size), range(size));
      return reshape(gather(concat([whole(second), whole(third)], 0), places, 0), y.shape);
    }
    case "OneHot": {
      const [depth] = constantInts(second, "OneHot");
      const isHere = equal(reshape(x, [...x.shape, 1]), range(depth));
      return gather(third, cast(isHere, "int64"), 0);
    }
    case "Slice": {
      const [from, to, axes, steps] = inputs.slice(1).map((one) => constantInts(one, op));
      const places = (i: number) => {
        const count = Math.max(0, Math.ceil((to[i] - from[i]) / steps[i]));
        return graph.constant(
          tensor(
            "int64",
            [count],
            [...Array(count).keys()].map((k) => from[i] + k * steps[i]),
          ),
        );
      };
      return axes.reduce((part, axis, i) => gather(part, places(i), axis), x);
    }
    case "Greater":
      return greater(cast(x, "float64"), cast(second, "float64"));
    case "GreaterOrEqual":
      return isFloat ? undefined : greater(x, sub(second, 1));
    case "Min":
      return where(greater(x, second), second, x);
    case "Softmax":
    case "LogSoftmax": {
      const axis = Number(attributes.axis);
      const last = x.shape.length - 1;
      const swap = x.shape.map((_, i) => (i === axis ? last : i === last ? axis : i));
      return transpose(graph.apply(op, [transpose(x, swap)], { ...attributes, axis: last })[0], swap);
    }
    default:
      return undefined;
  }
}

/**
 * Rewrites the named outputs to use only operations of an operator set. Throws {@link UserError} where that is
 * impossible.
 */
export function inOperatorSet(
  version: number,
  outputs: Readonly<Record<string, Value>>,
): Readonly<Record<string, Value>> {
  if (version < oldest) throw tooOld(version, oldest);
  let current = outputs;
  // an older form may itself have operations that are too new
  while (version < newest && nodesOf(Object.values(current)).some((node) => isNewer(node, version))) {
    const graph = new Graph();
    const find = rebuild(
      graph,
      Object.values(current),
      ({ node, known }) =>
        node.op === "Input" ? graph.input(String(node.attributes.name), known!.dtype, known!.shape) : undefined,
      undefined,
      (node, inputs) => {
        if (!isNewer(node, version)) return undefined;
        const form = olderForm(node, inputs as readonly Value[]);
        if (!form) throw tooOld(version, since(node), node.op);
        return form;
      },
    );
    current = Object.fromEntries(Object.entries(current).map(([name, value]) => [name, find(value)]));
  }
  return current;
}

const isNewer = (node: Node, version: number): boolean =>
  !node.foreign && node.op !== "Input" && !node.tensor && version < since(node);

function tooOld(version: number, needed: number, op?: string): UserError {
  const why = op ? `, which lacks the ${op} that a measurement needs` : "";
  return new UserError(
    `The model uses operator set ${version}${why}; the oldest that works is ${needed}. Convert it in Python with onnx.version_converter.convert_version(model, ${Math.max(needed, 13)}).`,
  );
}
