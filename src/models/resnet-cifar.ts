// The CIFAR ResNets (He et al. 2015, section 4.2) with BatchNorm: three stages of `blocks` blocks, 6 x blocks + 2
// weight layers. If the shape changes, the shortcut takes every second pixel and pads the channels with zeros (option
// A), so it has no parameters. Names are those of the public checkpoints of akamaster/pytorch_resnet_cifar10.
import { add, conv, globalAveragePool, linear, pad, relu, reshape, slice, type Value } from "../graph/index.ts";
import { normalise, normParameters } from "./batch-norm.ts";
import { defaultUniform, kaimingNormal } from "./initialise.ts";
import type { Model, Network, Parameter, Sizes, Training, Weights } from "./model.ts";

interface Block {
  readonly name: string;
  readonly inner: number;
  readonly outer: number;
}

const blocksOf = (width: number, blocks: number): Block[] =>
  [1, 2, 3].flatMap((stage) =>
    Array.from({ length: blocks }, (_, i) => {
      const outer = width * 2 ** (stage - 1);
      return { name: `layer${stage}.${i}`, inner: i === 0 && stage > 1 ? outer / 2 : outer, outer };
    }),
  );

function parameters({ width, classes }: Sizes, blocks: number): Parameter[] {
  const convolution = (name: string, shape: readonly number[]): Parameter => ({
    name: `${name}.weight`,
    shape,
    initial: kaimingNormal(shape),
  });
  const head = [classes, 4 * width];
  return [
    convolution("conv1", [width, 3, 3, 3]),
    ...normParameters("bn1", width),
    ...blocksOf(width, blocks).flatMap(({ name, inner, outer }) => [
      convolution(`${name}.conv1`, [outer, inner, 3, 3]),
      ...normParameters(`${name}.bn1`, outer),
      convolution(`${name}.conv2`, [outer, outer, 3, 3]),
      ...normParameters(`${name}.bn2`, outer),
    ]),
    { name: "linear.weight", shape: head, initial: defaultUniform(head) },
    { name: "linear.bias", shape: [classes], initial: defaultUniform(head) },
  ];
}

function forward(x: Value, weights: Weights, { width }: Sizes, blocks: number, training?: Training): Value {
  const norm = (name: string, v: Value) => normalise(name, v, weights, training);
  let y = relu(norm("bn1", conv(x, weights("conv1.weight"), null, { padding: 1 })));
  for (const { name, inner, outer } of blocksOf(width, blocks)) {
    const stride = outer / inner;
    const first = relu(norm(`${name}.bn1`, conv(y, weights(`${name}.conv1.weight`), null, { stride, padding: 1 })));
    const second = norm(`${name}.bn2`, conv(first, weights(`${name}.conv2.weight`), null, { padding: 1 }));
    y = relu(add(second, shortcut(y, inner, outer)));
  }
  return linear(reshape(globalAveragePool(y), [x.shape[0], -1]), weights("linear.weight"), weights("linear.bias"));
}

function shortcut(x: Value, inner: number, outer: number): Value {
  if (inner === outer) return x;
  const [, , height, width] = x.shape;
  const border = [0, (outer - inner) / 2, 0, 0];
  return pad(slice(slice(x, 2, 0, height, 2), 3, 0, width, 2), border, border);
}

function network(depth: number): Network {
  const name = `resnet${depth}`;
  const blocks = (depth - 2) / 6;
  return {
    name,
    title: `ResNet${depth} for CIFAR, with BatchNorm and option-A shortcuts`,
    input: { dtype: "float32", kind: "image" },
    sizes: { width: 16, classes: 10 },
    readSizes: (shapes) => ({ width: shapes("conv1.weight")?.[0], classes: shapes("linear.weight")?.[0] }),
    build: (sizes): Model => ({
      name,
      sizes,
      parameters: parameters(sizes, blocks),
      tied: [],
      forward: ({ input }, weights, training) => forward(input, weights, sizes, blocks, training),
    }),
  };
}

export const cifarResnets: readonly Network[] = [20, 32, 44, 56, 110].map(network);
