// Optimisers as graph operations, by PyTorch's formulas. Values that change from step to step are scalar inputs, so one
// graph serves every step.
import { add, div, min, mul, reduceSum, scalar, sqrt, sub, type Value } from "../graph/index.ts";

export interface Optimiser {
  /** Names of the state tensors of every parameter; they start at zero. */
  readonly slots: readonly string[];
  /** The scalar inputs of step `step` (counted from 1) at a learning rate. */
  scalars(step: number, rate: number): Record<string, number>;
  /**
   * `scale` [] multiplies the gradient; it is a separate argument because an optimiser may fold it into its own
   * factors.
   */
  update(
    parameter: Value,
    gradient: Value,
    slots: Readonly<Record<string, Value>>,
    scalars: (name: string) => Value,
    scale?: Value,
  ): { parameter: Value; slots: Record<string, Value> };
}

export interface SgdOptions {
  momentum: number;
  weightDecay: number;
}

/** torch.optim.SGD: g + decay p; buffer = momentum buffer + g; p - rate buffer. */
export function sgd({ momentum, weightDecay }: SgdOptions): Optimiser {
  return {
    slots: momentum ? ["momentum"] : [],
    scalars: (_step, rate) => ({ rate }),
    update(parameter, gradient, slots, scalars, scale) {
      const scaled = scale ? mul(gradient, scale) : gradient;
      const decayed = weightDecay ? add(scaled, mul(parameter, weightDecay)) : scaled;
      const buffer = momentum ? add(mul(slots.momentum, momentum), decayed) : decayed;
      const kept: Record<string, Value> = momentum ? { momentum: buffer } : {};
      return { parameter: sub(parameter, mul(buffer, scalars("rate"))), slots: kept };
    },
  };
}

export interface AdamWOptions {
  betas: readonly [number, number];
  weightDecay: number;
  epsilon?: number;
}

/** torch.optim.AdamW (Loshchilov and Hutter 2019): decoupled decay, bias-corrected moments. */
export function adamw({ betas: [beta1, beta2], weightDecay, epsilon = 1e-8 }: AdamWOptions): Optimiser {
  return {
    slots: ["first", "second"],
    scalars: (step, rate) => ({
      keep: 1 - rate * weightDecay,
      stepSize: rate / (1 - beta1 ** step),
      correction: Math.sqrt(1 - beta2 ** step),
    }),
    update(parameter, gradient, slots, scalars, scale) {
      const [own, squared] = scale
        ? [mul(scale, 1 - beta1), mul(mul(scale, scale), 1 - beta2)]
        : [1 - beta1, 1 - beta2];
      const first = add(mul(slots.first, beta1), mul(gradient, own));
      // clippingScale uses the same square, so the graph computes it once
      const second = add(mul(slots.second, beta2), mul(mul(gradient, gradient), squared));
      const deviation = add(div(sqrt(second), scalars("correction")), epsilon);
      const moved = sub(mul(parameter, scalars("keep")), mul(div(first, deviation), scalars("stepSize")));
      return { parameter: moved, slots: { first, second } };
    },
  };
}

/** torch.nn.utils.clip_grad_norm_: the scale [] that limits the joint Euclidean norm of all gradients to `limit`. */
export function clippingScale(gradients: readonly Value[], limit: number): Value {
  const squares = gradients.map((g) => reduceSum(mul(g, g), [...g.shape.keys()]));
  const norm = sqrt(squares.reduce((a, b) => add(a, b)));
  return min(div(scalar(norm.graph, norm.dtype, limit), add(norm, 1e-6)), 1);
}
