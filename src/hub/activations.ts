// Activation functions by the names used in configs.
import { gelu, geluTanh, mul, relu, sigmoid, type Value } from "../graph/index.ts";

export type Activation = "silu" | "gelu" | "gelu_tanh" | "relu" | "quick_gelu";

export const activations: Readonly<Record<Activation, (x: Value) => Value>> = {
  silu: (x) => mul(x, sigmoid(x)),
  gelu,
  gelu_tanh: geluTanh,
  relu,
  quick_gelu: (x) => mul(x, sigmoid(mul(x, 1.702))),
};
