// Gradients of softmax and the normalisation layers.
import { add, cast, div, exp, mul, sqrt, sub } from "../ops/elementwise.ts";
import { reduceMean, reduceSum } from "../ops/reduction.ts";
import { reshape } from "../ops/shape.ts";
import { type Rule, sumTo } from "./rule.ts";

export const normalisationRules: Record<string, Rule> = {
  Softmax: (dy, _x, y, { attributes }) => {
    const weighted = mul(dy, y);
    return [sub(weighted, mul(y, reduceSum(weighted, [attributes.axis as number], { keep: true })))];
  },
  LogSoftmax: (dy, _x, y, { attributes }) => [
    sub(dy, mul(exp(y), reduceSum(dy, [attributes.axis as number], { keep: true }))),
  ],
  // with n = (x - mean) / deviation and g = dy scale: dx = (g - mean(g) - n mean(g n)) / deviation
  LayerNormalization: (dy, [x, scale, bias], _y, { outputs, attributes }) => {
    const [mean, inverse] = outputs.slice(1).map((v) => cast(v, x.dtype));
    const axes = x.shape.map((_, i) => i).slice(attributes.axis as number);
    const normal = mul(sub(x, mean), inverse);
    const g = mul(dy, scale);
    const centred = sub(g, reduceMean(g, axes, { keep: true }));
    const dx = mul(inverse, sub(centred, mul(normal, reduceMean(mul(g, normal), axes, { keep: true }))));
    const dScale = sumTo(mul(dy, normal), scale.shape);
    return bias ? [dx, dScale, sumTo(dy, bias.shape)] : [dx, dScale];
  },
  // in evaluation, the statistics are ordinary inputs: y = (x - m) scale / sqrt(v + e) + bias
  BatchNormalization: (dy, [x, scale, bias, mean, variance], _y, { attributes }) => {
    const shape = x.shape.map((n, i) => (i === 1 ? n : 1));
    const perChannel = (v: typeof x) => reshape(v, shape);
    const total = (v: typeof x) => reshape(sumTo(v, shape), scale.shape);
    const spread = add(variance, attributes.epsilon as number);
    const factor = div(scale, sqrt(spread));
    const dx = mul(dy, perChannel(factor));
    const centred = sub(x, perChannel(mean));
    const overlap = total(mul(dy, centred));
    const dVariance = mul(div(mul(overlap, factor), spread), -0.5);
    return [dx, div(overlap, sqrt(spread)), reshape(total(dy), bias.shape), mul(total(dx), -1), dVariance];
  },
};
