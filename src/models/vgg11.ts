// VGG11 (Simonyan & Zisserman 2014) as in torchvision, without normalisation. Images of 32x32 become 1x1, which the
// adaptive pool repeats to 7x7. `width`: channels of the first convolution (64); `hidden`: units of the classifier
// (4096); `dropout`: its probability in training.
import { UserError } from "../core/index.ts";
import { adaptiveAveragePool, conv, linear, maxPool, reduceSum, relu, reshape, type Value } from "../graph/index.ts";
import { constant, kaimingNormal, normal } from "./initialise.ts";
import {
  applyDropout,
  type Model,
  type Network,
  type Parameter,
  type Sizes,
  type Training,
  type Weights,
} from "./model.ts";

/** The convolutions' channels as multiples of the width; a pool halves the image. */
const parts = [1, "pool", 2, "pool", 4, 4, "pool", 8, 8, "pool", 8, 8, "pool"] as const;

/** Each part with its index in torchvision's `features`, where the ReLU after a convolution has its own index. */
const features = parts.map((part, i) => ({
  part,
  at: parts.slice(0, i).reduce<number>((at, before) => at + (before === "pool" ? 1 : 2), 0),
}));

function parameters({ width, hidden, classes }: Sizes): Parameter[] {
  let inner = 3;
  const convolutions = features.flatMap(({ part, at }): Parameter[] => {
    if (part === "pool") return [];
    const shape = [part * width, inner, 3, 3];
    inner = shape[0];
    return [
      { name: `features.${at}.weight`, shape, initial: kaimingNormal(shape) },
      { name: `features.${at}.bias`, shape: [shape[0]], initial: constant(0) },
    ];
  });
  const dense = [
    { at: 0, shape: [hidden, inner * 49] },
    { at: 3, shape: [hidden, hidden] },
    { at: 6, shape: [classes, hidden] },
  ].flatMap(({ at, shape }): Parameter[] => [
    { name: `classifier.${at}.weight`, shape, initial: normal(0.01) },
    { name: `classifier.${at}.bias`, shape: [shape[0]], initial: constant(0) },
  ]);
  return [...convolutions, ...dense];
}

function forward(x: Value, weights: Weights, p: number, training?: Training): Value {
  let y = x;
  const side = Math.min(...x.shape.slice(2));
  if (side < 32)
    throw new UserError(
      `VGG11 halves an image five times, so it needs 32x32 pixels, but these images have ${side}. Use larger images.`,
    );
  for (const { part, at } of features) {
    if (part === "pool") y = maxPool(y, { kernel: 2 });
    else y = relu(conv(y, weights(`features.${at}.weight`), weights(`features.${at}.bias`), { padding: 1 }));
  }
  const weight = (at: number) => weights(`classifier.${at}.weight`);
  const dense = (v: Value, at: number, w = weight(at)) => linear(v, w, weights(`classifier.${at}.bias`));
  const isPixel = y.shape[2] * y.shape[3] === 1; // the adaptive pool would repeat it 49 times
  const rows = reshape(isPixel ? y : adaptiveAveragePool(y, [7, 7]), [x.shape[0], -1]);
  y = applyDropout(relu(dense(rows, 0, isPixel ? summed(weight(0)) : weight(0))), p, training);
  y = applyDropout(relu(dense(y, 3)), p, training);
  return dense(y, 6);
}

/**
 * The sums [out, channels] of the weights of one pixel repeated 49 times: the same result, also in the gradient, with a
 * 49th of the products.
 */
function summed(weight: Value): Value {
  const [out, inner] = weight.shape;
  return reduceSum(reshape(weight, [out, inner / 49, 49]), [2]);
}

export const vgg11: Network = {
  name: "vgg11",
  title: "VGG11 as in torchvision, without normalisation",
  input: { dtype: "float32", kind: "image" },
  sizes: { width: 64, hidden: 4096, classes: 10, dropout: 0.5 },
  readSizes: (shapes) => ({
    width: shapes("features.0.weight")?.[0],
    hidden: shapes("classifier.0.weight")?.[0],
    classes: shapes("classifier.6.weight")?.[0],
  }),
  build: (sizes): Model => ({
    name: "vgg11",
    sizes,
    parameters: parameters(sizes),
    tied: [],
    forward: ({ input }, weights, training) => forward(input, weights, sizes.dropout, training),
  }),
};
