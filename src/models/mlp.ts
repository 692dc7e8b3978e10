// A multilayer perceptron: `depth` linear layers named `layers.0`, `layers.1` …, with ReLU between them. Images and
// other arrays are flattened.
import { linear, relu, reshape, type Value } from "../graph/index.ts";
import { defaultUniform } from "./initialise.ts";
import type { Model, Network, Parameter, Sizes, Weights } from "./model.ts";

function parameters({ inputs, hidden, depth, classes }: Sizes): Parameter[] {
  return Array.from({ length: depth }, (_, i) => {
    const shape = [i === depth - 1 ? classes : hidden, i === 0 ? inputs : hidden];
    const initial = defaultUniform(shape);
    return [
      { name: `layers.${i}.weight`, shape, initial },
      { name: `layers.${i}.bias`, shape: [shape[0]], initial },
    ];
  }).flat();
}

function forward(x: Value, weights: Weights, depth: number): Value {
  let y = reshape(x, [x.shape[0], -1]);
  for (let i = 0; i < depth; i++) {
    y = linear(y, weights(`layers.${i}.weight`), weights(`layers.${i}.bias`));
    if (i < depth - 1) y = relu(y);
  }
  return y;
}

export const mlp: Network = {
  name: "mlp",
  title: "multilayer perceptron with ReLU",
  input: { dtype: "float32", kind: "vector" },
  sizes: { inputs: 3072, hidden: 256, depth: 3, classes: 10 },
  readSizes(shapes) {
    let depth = 0;
    while (shapes(`layers.${depth}.weight`)) depth++;
    const [hidden, inputs] = shapes("layers.0.weight") ?? [];
    const classes = shapes(`layers.${depth - 1}.weight`)?.[0];
    return { inputs, hidden: depth > 1 ? hidden : undefined, depth: depth || undefined, classes };
  },
  build: (sizes): Model => ({
    name: "mlp",
    sizes,
    parameters: parameters(sizes),
    tied: [],
    forward: ({ input }, weights) => forward(input, weights, sizes.depth),
  }),
};
