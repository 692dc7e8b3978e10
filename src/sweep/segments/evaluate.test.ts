// The segmented sweep against one graph for each mix, with nothing shared: on built-in and on random networks.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { layersOf, type Mix, mixesOf, networkOf, samplesOf } from "../../../test/networks.ts";
import { type Tensor, tensor, toNumbers } from "../../core/index.ts";
import type { Dataset } from "../../data/index.ts";
import {
  add,
  cast,
  conv,
  Graph,
  gather,
  globalAveragePool,
  layerNormalization,
  linear,
  matmul,
  mul,
  relu,
  reshape,
  serialise,
  tanh,
  type Value,
} from "../../graph/index.ts";
import { buildModel, type Model, type Parameter, scoresOf, type Weights } from "../../models/index.ts";
import { Session } from "../../runtime/index.ts";
import { cutIntoSegments } from "./cuts.ts";
import { evaluateInSegments, type SegmentOptions } from "./evaluate.ts";
import { addsNoBranch } from "./state-plan.ts";
import { makeTemplate, type SegmentedNetwork } from "./template.ts";

async function naive({ model, ...network }: SegmentedNetwork<Mix>, mix: Mix, data: Dataset, indices: number[]) {
  const graph = new Graph();
  const weights = new Map<string, Tensor>();
  for (const p of model.parameters) weights.set(`w ${p.name}`, await network.weight(network.sourceOf(p.name, mix), p));
  const { inputs, labels } = data.batch(indices);
  const input = (name: string, { dtype, shape }: Tensor) => graph.input(name, dtype, shape);
  const logits = model.forward({ input: input("input", inputs.input) }, (name) =>
    input(`w ${name}`, weights.get(`w ${name}`)!),
  );
  const { loss, error } = scoresOf(logits, input("labels", labels), data.weights !== undefined);
  const session = await Session.load(serialise({ loss, error: error! }, weights), { threads: 1 });
  const results = await session.run({ ...inputs, labels });
  await session.dispose();
  return { loss: toNumbers(results.loss), error: toNumbers(results.error) };
}

/** Evaluates samples 1 to 3 of five in chunks of two, and compares them with {@link naive}. */
async function expectEqual(model: Model, data: Dataset, options: Partial<SegmentOptions> = {}, mixes?: readonly Mix[]) {
  const network = networkOf(model);
  const all = mixes ?? mixesOf(model);
  const found = new Map(all.map((mix) => [mix, { loss: new Float32Array(5), error: new Float32Array(5) }]));
  const fractions: number[] = [];
  await evaluateInSegments(
    all,
    [1, 4],
    network,
    { data, chunkSize: 2, memory: 1e9, runtime: { threads: 1 }, ...options },
    (mix, start, loss, error) => {
      found.get(mix)!.loss.set(loss, start);
      found.get(mix)!.error.set(error!, start);
    },
    (fraction) => fractions.push(fraction),
  );
  for (const mix of all) {
    const { loss, error } = await naive(network, mix, data, [1, 2, 3]);
    const own = found.get(mix)!;
    const differences = loss.map((x, i) => (own.loss[i + 1] === x ? 0 : Math.abs(own.loss[i + 1] - x) / x));
    expect(Math.max(...differences)).toBeLessThan(1e-6);
    expect([...own.error.subarray(1, 4)].map((x) => x.toFixed(5))).toEqual(Array.from(error, (x) => x.toFixed(5)));
    expect([own.loss[0], own.loss[4]]).toEqual([0, 0]); // samples outside of the range
  }
  expect(fractions.at(-1)).toBeCloseTo(1, 9);
  expect(fractions).toEqual([...fractions].sort((x, y) => x - y));
}

/** A language model whose last layers treat each position separately, with a vocabulary of 50. */
const rows: Model = {
  name: "rows",
  sizes: {},
  tied: [],
  parameters: [
    { name: "embedding.weight", shape: [50, 8] },
    { name: "inner.weight", shape: [8, 8] },
    { name: "norm.weight", shape: [8] },
    { name: "head.weight", shape: [8, 50] },
    { name: "head.bias", shape: [50] },
  ],
  forward({ input }, weights) {
    const x = gather(weights("embedding.weight"), input, 0);
    const y = add(x, tanh(matmul(x, weights("inner.weight"))));
    return add(matmul(layerNormalization(y, weights("norm.weight")), weights("head.weight")), weights("head.bias"));
  },
};

describe("the segmented sweep equals a graph for each mix", () => {
  const image = samplesOf([3, 8, 8], [], 4);
  const text = samplesOf([6], [6], 11, true);

  it("for a multilayer perceptron", () =>
    expectEqual(buildModel("mlp", { inputs: 192, hidden: 8, depth: 4, classes: 4 }), image));

  const some = (model: Model) => mixesOf(model).filter((_, i) => i % 3 === 0); // includes every kind of mix
  const normed = buildModel("resnet18", { width: 2, classes: 4 });

  it("for a convolutional network with batch normalisation", () => expectEqual(normed, image, {}, some(normed)));

  it("for a convolutional network whose large parts are averaged together, each part in one segment", async () => {
    const layers = layersOf(normed);
    const half = layers.length / 2;
    const mix = (isMean: (i: number) => boolean): Mix =>
      new Map(layers.map((name, i) => [name, isMean(i) ? "m" : "a"]));
    const mixes = [mix(() => false), mix(() => true), mix((i) => i < half), mix((i) => i >= half)];
    await expectEqual(normed, image, {}, mixes);
    const { forward } = normed;
    const network = networkOf(normed);
    const template = makeTemplate(network, image, 2, (inputs, weights) => new Map([["y", forward(inputs, weights)]]));
    const parts = cutIntoSegments(template, (before, next) => addsNoBranch(mixes, before, next, network));
    expect(cutIntoSegments(template).length).toBeGreaterThan(8);
    expect(parts.length).toBeLessThan(5);
    expect(parts.flatMap(({ parameters }) => parameters)).toHaveLength(
      cutIntoSegments(template).flatMap(({ parameters }) => parameters).length,
    );
  });

  it("for a convolutional network with a large head", () =>
    expectEqual(buildModel("vgg11", { width: 1, hidden: 6, classes: 4 }), samplesOf([3, 32, 32], [], 4)));

  it("for weights in bfloat16 that the graph widens", () => {
    const parameters = ["first", "second"].map(
      (name): Parameter => ({ name: `${name}.weight`, shape: [4, 4], dtype: "bfloat16" }),
    );
    const forward: Model["forward"] = ({ input }, weights) => {
      const wide = (name: string) => cast(weights(`${name}.weight`), "float32");
      return linear(tanh(linear(input, wide("first"))), wide("second"));
    };
    return expectEqual({ name: "wide", sizes: {}, tied: [], parameters, forward }, samplesOf([4], [], 4));
  });

  const gpt = buildModel("gpt", { blocks: 3, heads: 2, dim: 8, context: 6, classes: 11 });

  it("for a transformer whose embedding is its head", () => expectEqual(gpt, text));

  it("when there is no memory for states", () => expectEqual(gpt, text, { memory: 0 }, some(gpt)));

  it("when all chunks after the first pass together", () => expectEqual(gpt, text, { chunkSize: 1 }, some(gpt)));

  it("when scores are computed in slices of positions", () =>
    expectEqual(rows, samplesOf([6], [6], 50, true), { mostLogits: 4 * 50 * 5 }));

  it("when some labels are negative, also in slices of positions", async () => {
    const all = samplesOf([6], [6], 50, true);
    /** Ignores one label in sample 0, two in sample 1, …, and all in the third sample. */
    const data: Dataset = {
      ...all,
      weights: Float32Array.of(5, 4, 0, 2, 1),
      batch(indices) {
        const { inputs, labels } = all.batch(indices);
        const some = toNumbers(labels).map((label, at) => {
          const sample = indices[Math.floor(at / 6)];
          return sample === 2 || at % 6 <= sample ? -100 : label;
        });
        return { inputs, labels: tensor("int64", labels.shape, some) };
      },
    };
    await expectEqual(rows, data);
    await expectEqual(rows, data, { mostLogits: 4 * 50 * 5 });
  });
});

/** What a random network does with values made before: which operation, on which of them. */
const operation = fc.record({
  kind: fc.constantFrom("convolve", "again", "add", "gate", "scale", "relu"),
  first: fc.nat(),
  second: fc.nat(),
});

/**
 * A network of operations, each on some of the values before; convolutions in any order, some with the weights of
 * another one.
 */
function randomModel(operations: readonly { kind: string; first: number; second: number }[]): Model {
  const channels = 3;
  const convolution = (name: string, inputs = channels): Parameter[] => [
    { name: `${name}.weight`, shape: [channels, inputs, 3, 3] },
    { name: `${name}.bias`, shape: [channels] },
  ];
  const own = operations.flatMap(({ kind }, i): Parameter[] => {
    if (kind === "convolve") return convolution(`layer${i}`);
    return kind === "scale" ? [{ name: `layer${i}.weight`, shape: [channels, 1, 1] }] : [];
  });
  const convolve = (name: string, x: Value, weights: Weights) =>
    conv(x, weights(`${name}.weight`), weights(`${name}.bias`), { padding: 1 });
  const convolutions = ["stem", ...operations.flatMap(({ kind }, i) => (kind === "convolve" ? [`layer${i}`] : []))];
  return {
    name: "random",
    sizes: {},
    tied: [],
    parameters: [...convolution("stem", 2), ...own, { name: "head.weight", shape: [4, channels] }],
    forward({ input }, weights) {
      const values = [relu(convolve("stem", input, weights))];
      operations.forEach(({ kind, first, second }, i) => {
        const [x, y] = [values[first % values.length], values[second % values.length]];
        const known = convolutions.filter((name) => name !== "stem" && Number(name.slice(5)) < i);
        if (kind === "convolve") values.push(convolve(`layer${i}`, x, weights));
        else if (kind === "again" && known.length) values.push(convolve(known[second % known.length], x, weights));
        else if (kind === "add") values.push(add(x, y));
        else if (kind === "gate") values.push(mul(x, tanh(y)));
        else if (kind === "scale") values.push(mul(x, weights(`layer${i}.weight`)));
        else values.push(relu(x));
      });
      const last = add(values.at(-1)!, values[Math.floor(values.length / 2)]);
      return linear(reshape(globalAveragePool(last), [input.shape[0], channels]), weights("head.weight"));
    },
  };
}

it("equals a graph for each mix on random networks, mixes and memory", async () => {
  const data = samplesOf([2, 5, 5], [], 4);
  await fc.assert(
    fc.asyncProperty(
      fc.array(operation, { minLength: 2, maxLength: 10 }),
      fc.array(fc.array(fc.constantFrom("a", "b", "m", "r"), { minLength: 12, maxLength: 12 }), {
        minLength: 1,
        maxLength: 8,
      }),
      fc.constantFrom(0, 3000, 1e9),
      async (operations, sources, memory) => {
        const model = randomModel(operations);
        const layers = layersOf(model);
        const mixes = sources.map((own): Mix => new Map(layers.map((layer, i) => [layer, own[i % own.length]])));
        await expectEqual(model, data, { memory }, mixes);
      },
    ),
    { numRuns: 40, seed: 1 },
  );
});
