// A network in one small file: two hidden layers whose outputs are added, for points of the plane. `layerwise/graph` has the operations.
import { add, linear, relu } from "layerwise/graph";

const uniform = (inputs) => ({ kind: "uniform", bound: 1 / Math.sqrt(inputs) });
const dense = (name, inputs, outputs) => [
  { name: `${name}.weight`, shape: [outputs, inputs], initial: uniform(inputs) },
  { name: `${name}.bias`, shape: [outputs], initial: uniform(inputs) },
];

export default {
  name: "two-paths",
  title: "two hidden layers side by side",
  input: { dtype: "float32", kind: "vector" },
  sizes: { hidden: 16, classes: 2 },
  build: (sizes) => ({
    name: "two-paths",
    sizes,
    parameters: [
      ...dense("left", 2, sizes.hidden),
      ...dense("right", 2, sizes.hidden),
      ...dense("head", sizes.hidden, sizes.classes),
    ],
    tied: [],
    forward({ input }, weights) {
      const layer = (name, x) => linear(x, weights(`${name}.weight`), weights(`${name}.bias`));
      return layer("head", add(relu(layer("left", input)), relu(layer("right", input))));
    },
  }),
};
