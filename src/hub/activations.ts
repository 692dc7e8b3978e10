// Activation functions, by the names that families read from a config.
import { add, gelu, mul, relu, sigmoid, tanh, type Value } from "../graph/index.ts";

export type Activation = "silu" | "gelu" | "gelu_tanh" | "relu" | "quick_gelu";

export const activations: Readonly<Record<Activation, (x: Value) => Value>> = {
  silu: (x) => mul(x, sigmoid(x)),
  gelu,
  gelu_tanh: (x) => {
    const inner = mul(add(x, mul(mul(mul(x, x), x), 0.044715)), Math.sqrt(2 / Math.PI));
    return mul(mul(x, 0.5), add(tanh(inner), 1));
  },
  relu,
  quick_gelu: (x) => mul(x, sigmoid(mul(x, 1.702))),
};
