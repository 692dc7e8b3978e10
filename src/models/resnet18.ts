// ResNet18 for small images (He et al. 2015): torchvision's parameter names, a 3x3 stem with stride 1, and no max pool.
// `width` is the number of channels of the first stage. It has 21 layers without normalisation, and 41 with BatchNorm.
import { add, conv, globalAveragePool, linear, relu, reshape, type Value } from "../graph/index.ts";
import { normalise, normParameters } from "./batch-norm.ts";
import { defaultUniform, kaimingNormal } from "./initialise.ts";
import type { Model, Network, Parameter, Sizes, Training, Weights } from "./model.ts";

interface Block {
  readonly name: string;
  readonly inner: number;
  readonly outer: number;
  readonly stride: number;
}

/** Four stages of two blocks; every stage but the first halves the image and doubles the channels. */
function blocks(width: number): Block[] {
  return [1, 2, 3, 4].flatMap((stage) => {
    const outer = width * 2 ** (stage - 1);
    const inner = stage === 1 ? width : outer / 2;
    return [
      { name: `layer${stage}.0`, inner, outer, stride: stage === 1 ? 1 : 2 },
      { name: `layer${stage}.1`, inner: outer, outer, stride: 1 },
    ];
  });
}

const isProjection = ({ inner, outer, stride }: Block) => stride > 1 || inner !== outer;

function convolution(name: string, shape: readonly number[], initial = kaimingNormal(shape)): Parameter {
  return { name: `${name}.weight`, shape, initial };
}

function parameters({ width, classes }: Sizes, normed: boolean): Parameter[] {
  const optional = (name: string, channels: number) => (normed ? normParameters(name, channels) : []);
  const stem = [width, 3, 3, 3];
  const head = [classes, width * 8];
  return [
    convolution("conv1", stem, defaultUniform(stem)),
    ...optional("bn1", width),
    ...blocks(width).flatMap((block) => [
      convolution(`${block.name}.conv1`, [block.outer, block.inner, 3, 3]),
      ...optional(`${block.name}.bn1`, block.outer),
      convolution(`${block.name}.conv2`, [block.outer, block.outer, 3, 3]),
      ...optional(`${block.name}.bn2`, block.outer),
      ...(isProjection(block)
        ? [
            convolution(`${block.name}.downsample.0`, [block.outer, block.inner, 1, 1]),
            ...optional(`${block.name}.downsample.1`, block.outer),
          ]
        : []),
    ]),
    { name: "fc.weight", shape: head, initial: defaultUniform(head) },
    { name: "fc.bias", shape: [classes], initial: defaultUniform(head) },
  ];
}

function forward(x: Value, weights: Weights, normed: boolean, width: number, training?: Training): Value {
  const norm = (name: string, v: Value) => (normed ? normalise(name, v, weights, training) : v);
  let y = relu(norm("bn1", conv(x, weights("conv1.weight"), null, { padding: 1 })));
  for (const block of blocks(width)) {
    const { name, stride } = block;
    const inner = relu(norm(`${name}.bn1`, conv(y, weights(`${name}.conv1.weight`), null, { stride, padding: 1 })));
    const outer = norm(`${name}.bn2`, conv(inner, weights(`${name}.conv2.weight`), null, { padding: 1 }));
    const shortcut = isProjection(block)
      ? norm(`${name}.downsample.1`, conv(y, weights(`${name}.downsample.0.weight`), null, { stride }))
      : y;
    y = relu(add(outer, shortcut));
  }
  const pooled = reshape(globalAveragePool(y), [x.shape[0], -1]);
  return linear(pooled, weights("fc.weight"), weights("fc.bias"));
}

function network(name: string, title: string, normed: boolean): Network {
  return {
    name,
    title,
    input: { dtype: "float32", kind: "image" },
    sizes: { width: 64, classes: 10 },
    readSizes: (shapes) => ({ width: shapes("conv1.weight")?.[0], classes: shapes("fc.weight")?.[0] }),
    build: (sizes): Model => ({
      name,
      sizes,
      parameters: parameters(sizes, normed),
      tied: [],
      forward: ({ input }, weights, training) => forward(input, weights, normed, sizes.width, training),
    }),
  };
}

export const resnet18Nonorm = network("resnet18-nonorm", "ResNet18 for small images, without normalisation", false);
export const resnet18 = network("resnet18", "ResNet18 for small images, with BatchNorm", true);
