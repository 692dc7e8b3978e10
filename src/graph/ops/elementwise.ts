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

export const add = two("Add");
export const sub = two("Sub");
export const mul = two("Mul");
export const div = two("Div");
export const pow = two("Pow");
export const min = two("Min");
export const greater = two("Greater");
export const greaterOrEqual = two("GreaterOrEqual");
export const equal = two("Equal");
export const neg = one("Neg");
export const relu = one("Relu");
/** x Φ(x) with the exact normal distribution function, PyTorch's default. */
export const gelu = one("Gelu");
/** GELU by its approximation x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2, in one pass. */
export const geluTanh = (x: Value): Value => x.graph.apply("Gelu", [x], { approximate: "tanh" })[0];
export const sigmoid = one("Sigmoid");
export const tanh = one("Tanh");
export const exp = one("Exp");
export const log = one("Log");
export const sqrt = one("Sqrt");
export const erf = one("Erf");
/** The normal distribution's cumulative function Φ(x), the factor in GELU. */
export const normalCumulative = (x: Value): Value => mul(add(erf(mul(x, Math.SQRT1_2)), 1), 0.5);
export const identity = one("Identity");

/** A constant of shape []. */
export function scalar(graph: Graph, dtype: DType, value: number): Value {
  return graph.constant(tensor(dtype, [], [value]));
}

export function where(condition: Value, a: Value, b: Value): Value {
  return condition.graph.apply("Where", [condition, a, b])[0];
}

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
