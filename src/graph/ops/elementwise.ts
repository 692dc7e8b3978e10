// Elementwise operations, with numpy-style broadcasting of two inputs.
import { type DType, tensor } from "../../core/index.ts";
import type { Graph, Value } from "../graph.ts";
import { broadcast, likeFirst, type Operation } from "./operation.ts";

const unary: Operation = { infer: likeFirst };

const binary: Operation = {
  infer([a, b]) {
    if (a!.dtype !== b!.dtype) throw new Error(`dtypes ${a!.dtype} and ${b!.dtype} differ`);
    return [{ dtype: a!.dtype, shape: broadcast(a!.shape, b!.shape) }];
  },
};

const comparison: Operation = {
  infer: (inputs, attributes) => [{ dtype: "bool", shape: binary.infer(inputs, attributes)[0].shape }],
};

/** ONNX's numbers of the dtypes (TensorProto.DataType). */
export const onnxTypes: Readonly<Record<DType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
};
const dtypeOf = new Map(Object.entries(onnxTypes).map(([dtype, number]) => [number, dtype as DType]));

/** The dtype of ONNX's number; undefined for unsupported ones (text, complex, eight-bit floats). */
export const dtypeOfOnnx = (number: number): DType | undefined => dtypeOf.get(number);

export const elementwise = {
  Add: binary,
  Sub: binary,
  Mul: binary,
  Div: binary,
  Pow: binary,
  Min: binary,
  Neg: unary,
  Relu: unary,
  Gelu: { attributes: { approximate: "string" }, infer: likeFirst },
  Sigmoid: unary,
  Tanh: unary,
  Exp: unary,
  Log: unary,
  Sqrt: unary,
  Erf: unary,
  Identity: unary,
  HardSigmoid: { attributes: { alpha: "float", beta: "float" }, infer: likeFirst },
  Greater: comparison,
  GreaterOrEqual: comparison,
  Equal: comparison,
  Cast: {
    attributes: { to: "int" },
    infer: ([x], { to }) => [{ dtype: dtypeOf.get(to as number)!, shape: x!.shape }],
  },
  Where: {
    infer([condition, a, b]) {
      if (condition!.dtype !== "bool") throw new Error("Where needs a bool condition");
      const [{ dtype, shape }] = binary.infer([a, b], {});
      return [{ dtype, shape: broadcast(condition!.shape, shape) }];
    },
  },
} satisfies Record<string, Operation>;

const one =
  (op: keyof typeof elementwise) =>
  (x: Value): Value =>
    x.graph.apply(op, [x])[0];

const two =
  (op: keyof typeof elementwise) =>
  (a: Value, b: Value | number): Value =>
    a.graph.apply(op, [a, typeof b === "number" ? scalar(a.graph, a.dtype, b) : b])[0];

/**
 * Elementwise a + b, ONNX's Add. Shapes broadcast as in numpy; a number becomes a constant of a's dtype. Throws an
 * Error if the dtypes differ or the shapes do not broadcast.
 * @example
 * ```ts
 * import { add, Graph } from "layerwise/graph";
 *
 * const graph = new Graph();
 * const x = graph.input("x", "float32", [2, 3]);
 * const bias = graph.input("bias", "float32", [3]);
 * console.log(add(x, bias).shape); // [ 2, 3 ]
 * console.log(add(x, 1).dtype); // float32
 * ```
 */
export const add = two("Add");
/** Elementwise a - b, with the shapes and errors of {@link add}. */
export const sub = two("Sub");
/** Elementwise a b, with the shapes and errors of {@link add}. */
export const mul = two("Mul");
/** Elementwise a / b, with the shapes and errors of {@link add}. */
export const div = two("Div");
/** Elementwise a to the power of b, with the shapes and errors of {@link add}. */
export const pow = two("Pow");
/** Elementwise minimum of a and b, with the shapes and errors of {@link add}. */
export const min = two("Min");

/**
 * Elementwise a > b as bool, with the shapes and errors of {@link add}. It has no gradient.
 * @example
 * ```ts
 * import { Graph, greater } from "layerwise/graph";
 *
 * const graph = new Graph();
 * const x = graph.input("x", "float32", [2, 3]);
 * const positive = greater(x, 0);
 * console.log(positive.dtype, positive.shape); // bool [ 2, 3 ]
 * ```
 */
export const greater = two("Greater");
/** Elementwise a >= b as bool; see {@link greater}. */
export const greaterOrEqual = two("GreaterOrEqual");
/** Elementwise a = b as bool; see {@link greater}. */
export const equal = two("Equal");
/** Elementwise -x, with the dtype and shape of x, as {@link relu}. */
export const neg = one("Neg");

/**
 * Elementwise max(x, 0); dtype and shape are those of x.
 * @example
 * ```ts
 * import { Graph, print, relu } from "layerwise/graph";
 *
 * const graph = new Graph();
 * const x = graph.input("x", "float32", [2]);
 * console.log(print({ y: relu(x) }));
 * // input x : float32[2]
 * // %0 = Relu(x) : float32[2]
 * // output y = %0
 * ```
 */
export const relu = one("Relu");

/**
 * Elementwise x Φ(x) with the exact normal distribution function, PyTorch's default. Dtype and shape as {@link relu}.
 */
export const gelu = one("Gelu");

/**
 * Elementwise GELU by its approximation x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2, in one pass. Dtype and shape as
 * {@link relu}. Source: Hendrycks and Gimpel 2016, arXiv 1606.08415, section 2.
 */
export const geluTanh = (x: Value): Value => x.graph.apply("Gelu", [x], { approximate: "tanh" })[0];
/** Elementwise 1 / (1 + e^-x), with the dtype and shape of x, as {@link relu}. */
export const sigmoid = one("Sigmoid");
/** Elementwise hyperbolic tangent, with the dtype and shape of x, as {@link relu}. */
export const tanh = one("Tanh");
/** Elementwise e^x, with the dtype and shape of x, as {@link relu}. */
export const exp = one("Exp");
/** Elementwise natural logarithm, with the dtype and shape of x, as {@link relu}. */
export const log = one("Log");
/** Elementwise square root, with the dtype and shape of x, as {@link relu}. */
export const sqrt = one("Sqrt");
/** Elementwise error function, with the dtype and shape of x, as {@link relu}. */
export const erf = one("Erf");
/** Elementwise Φ(x), the normal distribution's cumulative function. Dtype and shape as {@link relu}. */
export const normalCumulative = (x: Value): Value => mul(add(erf(mul(x, Math.SQRT1_2)), 1), 0.5);
/** x under a new node, with the dtype and shape of x, as {@link relu}. */
export const identity = one("Identity");

/**
 * A constant of shape [].
 * @example
 * ```ts
 * import { Graph, scalar } from "layerwise/graph";
 *
 * const graph = new Graph();
 * console.log(scalar(graph, "float32", 0.5).shape); // []
 * ```
 */
export function scalar(graph: Graph, dtype: DType, value: number): Value {
  return graph.constant(tensor(dtype, [], [value]));
}

/**
 * a where the condition (bool) holds, else b; all three broadcast. Throws an Error if the condition is not bool or the
 * dtypes of a and b differ.
 * @example
 * ```ts
 * import { Graph, greater, where, zeros } from "layerwise/graph";
 *
 * const graph = new Graph();
 * const x = graph.input("x", "float32", [2, 3]);
 * console.log(where(greater(x, 0), x, zeros(x, [1])).shape); // [ 2, 3 ]
 * ```
 */
export function where(condition: Value, a: Value, b: Value): Value {
  return condition.graph.apply("Where", [condition, a, b])[0];
}

/**
 * x converted to a dtype; x itself if it has that dtype.
 * @example
 * ```ts
 * import { cast, Graph } from "layerwise/graph";
 *
 * const graph = new Graph();
 * const labels = graph.input("labels", "int64", [4]);
 * console.log(cast(labels, "float32").dtype); // float32
 * ```
 */
export function cast(x: Value, dtype: DType): Value {
  return x.dtype === dtype ? x : x.graph.apply("Cast", [x], { to: onnxTypes[dtype] })[0];
}

/**
 * 1 where x > 0, else 0, in x's dtype. For float32 one parallel pass: HardSigmoid with a huge slope (a comparison and a
 * cast take three times as long).
 */
export function positiveMask(x: Value): Value {
  if (x.dtype === "float32") return x.graph.apply("HardSigmoid", [x], { alpha: 1e30, beta: 0 })[0];
  return cast(greater(x, 0), x.dtype);
}
