// Gradients of elementwise operations.

import type { Value } from "../graph.ts";
import {
  add,
  cast,
  div,
  equal,
  exp,
  greater,
  greaterOrEqual,
  log,
  mul,
  neg,
  normalCumulative,
  positiveMask,
  pow,
  scalar,
  sub,
  tanh,
  where,
} from "../ops/elementwise.ts";
import { zeros } from "../ops/shape.ts";
import { type Rule, sumTo } from "./rule.ts";

export const elementwiseRules: Record<string, Rule> = {
  Identity: (dy) => [dy],
  Add: (dy, [a, b]) => [sumTo(dy, a.shape), sumTo(dy, b.shape)],
  Sub: (dy, [a, b]) => [sumTo(dy, a.shape), sumTo(neg(dy), b.shape)],
  Mul: (dy, [a, b]) => [sumTo(mul(dy, b), a.shape), sumTo(mul(dy, a), b.shape)],
  Div: (dy, [a, b], y) => [sumTo(div(dy, b), a.shape), sumTo(neg(div(mul(dy, y), b)), b.shape)],
  // d/da a^b = b a^(b-1); d/db a^b = a^b log a, taken as 0 where a <= 0 (as PyTorch does at 0)
  Pow: (dy, [a, b], y) => {
    const positive = greater(a, 0);
    const logA = where(positive, log(where(positive, a, scalar(a.graph, a.dtype, 1))), scalar(a.graph, a.dtype, 0));
    return [sumTo(mul(dy, mul(b, pow(a, sub(b, 1)))), a.shape), sumTo(mul(dy, mul(y, logA)), b.shape)];
  },
  // equal values share the gradient
  Min: (dy, [a, b]) => {
    const half = mul(cast(equal(a, b), dy.dtype), 0.5);
    const first = sub(cast(greaterOrEqual(b, a), dy.dtype), half);
    const second = sub(cast(greaterOrEqual(a, b), dy.dtype), half);
    return [sumTo(mul(dy, first), a.shape), sumTo(mul(dy, second), b.shape)];
  },
  Neg: (dy) => [neg(dy)],
  Relu: (dy, _x, y) => [mul(dy, positiveMask(y))],
  // x Φ(x): Φ(x) + x φ(x)
  Gelu: (dy, [x], _y, { attributes }) => {
    if (attributes.approximate === "tanh") return [mul(dy, geluTanhSlope(x))];
    const density = mul(exp(mul(mul(x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
    return [mul(dy, add(normalCumulative(x), mul(x, density)))];
  },
  Sigmoid: (dy, _x, y) => [mul(dy, sub(y, mul(y, y)))],
  Tanh: (dy, _x, y) => [sub(dy, mul(dy, mul(y, y)))],
  Exp: (dy, _x, y) => [mul(dy, y)],
  Log: (dy, [x]) => [div(dy, x)],
  Sqrt: (dy, _x, y) => [div(mul(dy, 0.5), y)],
  Erf: (dy, [x]) => [mul(dy, mul(exp(neg(mul(x, x))), 2 / Math.sqrt(Math.PI)))],
  Cast: (dy, [x]) => [cast(dy, x.dtype)],
  Where: (dy, [condition, a, b]) => [
    null,
    sumTo(where(condition, dy, zeros(dy, [])), a.shape),
    sumTo(where(condition, zeros(dy, []), dy), b.shape),
  ],
};

/** The derivative of x (1 + t) / 2 with t = tanh(c (x + 0.044715 x³)): (1 + t + x c (1 - t²)(1 + 0.134145 x²)) / 2. */
function geluTanhSlope(x: Value): Value {
  const c = Math.sqrt(2 / Math.PI);
  const squared = mul(x, x);
  const t = tanh(mul(x, add(mul(squared, 0.044715 * c), c)));
  const inner = mul(x, add(mul(squared, 0.134145 * c), c));
  return mul(add(add(t, 1), mul(inner, sub(scalar(x.graph, x.dtype, 1), mul(t, t)))), 0.5);
}
