// Networks with random weights, samples and mixes, for tests of the sweep.
import { fromNumbers, isFloating, randomStream, sizeOf, type Tensor, tensor, toNumbers } from "../src/core/index.ts";
import type { Dataset } from "../src/data/index.ts";
import { dtypeOf, holderOf, type Model, type Parameter } from "../src/models/index.ts";
import type { SegmentedNetwork } from "../src/sweep/segments/index.ts";

/** A source for each layer. */
export type Mix = ReadonlyMap<string, string>;

const layerOf = (name: string) => name.replace(/\.[^.]*$/, "");

/** The modules with parameters; a tied tensor belongs to the module of its last name. */
export const layersOf = ({ parameters, tied }: Model): string[] => [
  ...new Set(parameters.map(({ name }) => layerOf(holderOf(tied)(name)))),
];

/** Sources `a`, `b` and `r` have different random numbers; `m` is the mean of `a` and `b`. */
export function networkOf(model: Model): SegmentedNetwork<Mix> {
  const holder = holderOf(model.tied);
  const drawn = (source: string, { name, kind, shape, ...rest }: Parameter): Tensor => {
    const dtype = dtypeOf({ name, kind, shape, ...rest });
    const random = randomStream(1, source, holder(name));
    const scale = 1 / Math.sqrt(sizeOf(shape.slice(1)));
    const one = () => (name.endsWith("running_var") ? 1 + Math.abs(random.normal()) : scale * random.normal());
    return isFloating(dtype)
      ? fromNumbers(dtype, shape, Array.from({ length: sizeOf(shape) }, one))
      : tensor(dtype, shape);
  };
  const weight = (source: string, parameter: Parameter): Tensor => {
    if (source !== "m") return drawn(source, parameter);
    const [a, b] = ["a", "b"].map((end) => toNumbers(drawn(end, parameter)));
    return tensor(
      dtypeOf(parameter),
      parameter.shape,
      Array.from(a, (x, i) => (x + b[i]) / 2),
    );
  };
  return {
    model,
    inputs: (graph, { inputs: { input } }) => ({ input: graph.input("input", input.dtype, input.shape) }),
    sourceOf: (name: string, mix: Mix) => mix.get(layerOf(holder(name))) ?? "a",
    weight: async (source, parameter) => weight(source, parameter),
  };
}

export function samplesOf(
  shape: readonly number[],
  labelShape: readonly number[],
  classes: number,
  isText = false,
): Dataset {
  const random = randomStream(2, "samples");
  const dtype = isText ? "int64" : "float32";
  const drawn = () => (isText ? random.integer(classes) : random.normal());
  const list = (size: number, one: () => number) => Array.from({ length: size }, one);
  const all = list(5, () => 0).map(() => ({
    input: list(sizeOf(shape), drawn),
    labels: list(sizeOf(labelShape), () => random.integer(classes)),
  }));
  return {
    name: "random",
    split: "test",
    count: all.length,
    inputs: [{ name: "input", dtype, shape }],
    labelShape,
    classes,
    sha256: "",
    batch(indices) {
      const some = Array.from(indices, (i) => all[i]);
      const of = (key: "input" | "labels") => some.flatMap((sample) => sample[key]);
      return {
        inputs: { input: tensor(dtype, [some.length, ...shape], of("input")) },
        labels: tensor("int64", [some.length, ...labelShape], of("labels")),
      };
    },
  };
}

/**
 * The ends, and for every layer: the average of it alone, of the layers up to it, of the layers from it on, and a
 * random step of it alone.
 */
export function mixesOf(model: Model): Mix[] {
  const layers = layersOf(model);
  const mix = (base: string, other: string, isOther: (i: number) => boolean): Mix =>
    new Map(layers.map((layer, i) => [layer, isOther(i) ? other : base]));
  const none = (base: string) => mix(base, base, () => false);
  const own = layers.flatMap((_, at) => [
    mix("a", "m", (i) => i === at),
    mix("b", "m", (i) => i <= at),
    mix("a", "m", (i) => i >= at),
    mix("b", "r", (i) => i === at),
  ]);
  return [none("a"), none("b"), ...own];
}
