// The operations that the project appends to somebody else's graph (the loss, the error, weights that are bound or unfolded, statistics of batches), in the
// operator set that the graph imports: some are newer, some had another form. Oldest is 7, as for ONNX Runtime.
import { sizeOf, tensor, UserError } from "../core/index.ts";
import { Graph, type Node, nodesOf, type Value } from "./graph.ts";
import { add, cast, concat, equal, gather, greater, mul, newest, reshape, sub, transpose, where } from "./ops/index.ts";
import { constantInts } from "./ops/operation.ts";
import { rebuild } from "./rebuild.ts";

/** The oldest operator set that is written, and that ONNX Runtime runs. */
export const oldest = 7;

/** The operator set in which a reduction's axes became an input; before it they were an attribute. */
const axesBecameInput: Readonly<Record<string, number>> = { ReduceSum: 13, ReduceMean: 18, ReduceMax: 18 };

export const axesAreInput = (op: string, version: number): boolean => version >= (axesBecameInput[op] ?? 0);

/** The operator set that has an operation as the table in ops/ writes it, where an older one has not. */
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
    case "LogSoftmax": // they took all axes from theirs on for one
      return Number(attributes.axis) === x!.shape.length - 1 ? oldest : 13;
    case "LayerNormalization":
      return 17;
    case "Gelu":
      return 20;
    default:
      return oldest;
  }
}

/** The same values in an older operator set; undefined where there is no form for it. */
function olderForm({ op, attributes, outputs: [y] }: Node, inputs: readonly Value[]): Value | undefined {
  const [x, second, third] = inputs;
  const { graph } = x;
  const isFloat = /float/.test(x.dtype);
  const range = (n: number) => graph.constant(tensor("int64", [n], [...Array(n).keys()]));
  switch (op) {
    case "Expand":
      return add(x, graph.constant(tensor(y.dtype, y.shape)));
    case "Where": {
      // elements of both, one after the other, and which of the two each place takes
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

/** The named outputs with no operation in them that the operator set lacks. Throws {@link UserError} where that cannot be. */
export function inOperatorSet(
  version: number,
  outputs: Readonly<Record<string, Value>>,
): Readonly<Record<string, Value>> {
  if (version < oldest) throw tooOld(version, oldest);
  let current = outputs;
  // a form may be made of operations that are newer themselves
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
  const why = op ? `, which has no ${op} as a measurement needs it` : "";
  return new UserError(
    `The model uses operator set ${version}${why}; ${needed} is the oldest that works. Convert it in Python with onnx.version_converter.convert_version(model, ${Math.max(needed, 13)}).`,
  );
}
