// Graphs of one network whose weights an exporter has changed, with two state dicts: they give the numbers of the graph that it left alone,
// or they are refused.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { type MeasureOptions, measure, parseScans } from "../src/connectivity/index.ts";
import { randomStream, sizeOf, type Tensor, tensor, toNumbers } from "../src/core/index.ts";
import { temporaryFolder, writeTensors } from "./checkpoints.ts";
import { graphBytes, type NodeSpec } from "./onnx-graphs.ts";

type Weights = Map<string, Tensor>;

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const channels = 3;

function randomTensor(seed: string, shape: readonly number[], from = -1, to = 1): Tensor {
  const random = randomStream(1, seed);
  return tensor(
    "float32",
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => from + (to - from) * random.uniform()),
  );
}

/** A normalisation: as a network begins with, or a trained one. */
function normOf(name: string, seed: string, isFresh: boolean): [string, Tensor][] {
  const part = (part: string, fresh: number, from: number, to: number): [string, Tensor] => [
    `${name}.${part}`,
    isFresh
      ? tensor("float32", [channels], Array(channels).fill(fresh))
      : randomTensor(`${seed}${name}${part}`, [channels], from, to),
  ];
  return [
    part("weight", 1, 0.4, 2),
    part("bias", 0, -1, 1),
    part("running_mean", 0, -1, 1),
    part("running_var", 1, 0.1, 3),
  ];
}

/** Two convolutions with a normalisation each, and a linear layer; in the order of the modules. */
function network(seed: string, isFresh = false, hasBias = false): Weights {
  const weight = (name: string, ...shape: number[]): [string, Tensor] => [name, randomTensor(seed + name, shape)];
  return new Map([
    weight("conv1.weight", channels, 2, 3, 3),
    ...(hasBias ? [weight("conv1.bias", channels)] : []),
    ...normOf("bn1", seed, isFresh),
    weight("conv2.weight", channels, channels, 3, 3),
    ...(hasBias ? [weight("conv2.bias", channels)] : []),
    ...normOf("bn2", seed, isFresh),
    weight("fc.weight", 4, channels),
    weight("fc.bias", 4),
  ]);
}

const conv = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };
const head: NodeSpec[] = [
  ["GlobalAveragePool", ["r"], "p"],
  ["Flatten", ["p"], "q"],
  ["Gemm", ["q", "fc.weight", "fc.bias"], "y", { transB: 1 }],
];

/** The graph with its normalisations. */
function keptGraph(weights: Weights): Uint8Array {
  const bias = (name: string) => (weights.has(name) ? [name] : []);
  const norm = (name: string) => ["weight", "bias", "running_mean", "running_var"].map((part) => `${name}.${part}`);
  const nodes: NodeSpec[] = [
    ["Conv", ["x", "conv1.weight", ...bias("conv1.bias")], "c", conv],
    ["BatchNormalization", ["c", ...norm("bn1")], "d"],
    ["Tanh", ["d"], "e"],
    ["Conv", ["e", "conv2.weight", ...bias("conv2.bias")], "f", conv],
    ["BatchNormalization", ["f", ...norm("bn2")], "g"],
    ["Tanh", ["g"], "r"],
    ...head,
  ];
  return graphBytes(nodes, weights, [2, 4, 4]);
}

/** The names that an exporter gives to the weight and bias of a convolution with its normalisation folded in. */
type Names = (convolution: string) => readonly [string, string];

const generated: Names = (name) => [`onnx::Conv_${name}0`, `onnx::Conv_${name}1`];

/** The graph with its normalisations folded; `change` may edit the weights. */
function foldedGraph(weights: Weights, names: Names, change: (folded: Weights) => void = () => {}): Uint8Array {
  const nodes: NodeSpec[] = [
    ["Conv", ["x", ...names("conv1")], "/conv1/Conv", conv],
    ["Tanh", ["/conv1/Conv"], "e"],
    ["Conv", ["e", ...names("conv2")], "/conv2/Conv", conv],
    ["Tanh", ["/conv2/Conv"], "r"],
    ...head,
  ];
  const folded: Weights = new Map([...weights].filter(([name]) => name.startsWith("fc")));
  for (const i of [1, 2]) {
    const [weight, bias] = names(`conv${i}`);
    const values = (name: string) => toNumbers(weights.get(name) ?? tensor("float32", [channels]));
    const scale = values(`bn${i}.weight`).map((g, c) => g / Math.sqrt(values(`bn${i}.running_var`)[c] + 1e-5));
    const { shape } = weights.get(`conv${i}.weight`)!;
    const block = sizeOf(shape) / channels;
    const w = values(`conv${i}.weight`).map((x, at) => x * scale[Math.floor(at / block)]);
    const shifted = values(`bn${i}.bias`).map(
      (x, c) => x + (values(`conv${i}.bias`)[c] - values(`bn${i}.running_mean`)[c]) * scale[c],
    );
    folded.set(weight, tensor("float32", shape, w));
    folded.set(bias, tensor("float32", [channels], shifted));
  }
  change(folded);
  return graphBytes(nodes, folded, [2, 4, 4]);
}

let count = 0;

/** Measures two state dicts on a graph. */
async function measured(graph: Uint8Array, ends: readonly [Weights, Weights], scans = "single,full") {
  const options = await written(graph, ends);
  const { document } = await measure({ ...options, scans: parseScans(scans) });
  return document;
}

async function written(graph: Uint8Array, [a, b]: readonly [Weights, Weights]): Promise<MeasureOptions> {
  const stem = at(`case${count++}`);
  writeFileSync(`${stem}.onnx`, graph);
  await writeTensors(`${stem}a.npz`, "npz", a);
  await writeTensors(`${stem}b.npz`, "npz", b);
  const model = { name: `${stem}.onnx` };
  return { a: `${stem}a.npz`, b: `${stem}b.npz`, model, data: { name: `npz:${at("data.npz")}` }, scans: [] };
}

/** Expects the ends and barriers of two graphs to be the same, whatever their layers' order. */
async function expectSame(graph: Uint8Array, kept: Uint8Array, ends: readonly [Weights, Weights]): Promise<string> {
  const [found, truth] = [await measured(graph, ends), await measured(kept, ends)];
  for (const end of ["a", "b"] as const) expect(found.ends[end].loss).toBeCloseTo(truth.ends[end].loss!, 5);
  expect(found.cells).toHaveLength(truth.cells.length);
  for (const { layer, base, loss } of truth.cells) {
    const cell = found.cells.find((one) => one.layer === layer && one.base === base)!;
    expect(cell.loss, `${layer} on ${base}`).toBeCloseTo(loss!, 5);
  }
  return (found.notes ?? []).join(" ");
}

const sorted = (weights: Weights): Weights => new Map([...weights].sort(([x], [y]) => (x < y ? -1 : 1)));

beforeAll(async () => {
  const labels = tensor(
    "int64",
    [30],
    Array.from({ length: 30 }, (_, i) => i % 4),
  );
  const x = randomTensor("x", [30, 2, 4, 4], -3, 3);
  await writeTensors(
    at("data.npz"),
    "npz",
    new Map([
      ["x", x],
      ["labels", labels],
    ]),
  );
});

describe("batch normalisations folded into weights with names made up", () => {
  const trained = network("b");
  const fresh = network("a", true);

  it.each([false, true])("takes them apart, convolutions with a bias: %s", async (hasBias) => {
    const ends = [network("a", false, hasBias), network("b", false, hasBias)] as const;
    await expectSame(foldedGraph(ends[0], generated), keptGraph(ends[0]), ends);
  });

  it("of a fresh network, by the order of the state dict", async () => {
    const notes = await expectSame(foldedGraph(fresh, generated), keptGraph(fresh), [fresh, trained]);
    expect(notes).not.toContain("does not use");
  });

  it("of a fresh network with a bias that is zero there", async () => {
    const ends = [network("a", true, true), network("b", false, true)] as const;
    for (const i of [1, 2]) ends[0].set(`conv${i}.bias`, tensor("float32", [channels]));
    await expectSame(foldedGraph(ends[0], generated), keptGraph(ends[0]), ends);
  });

  it("refuses what fits several where the order is that of the alphabet", async () => {
    const ends = [sorted(fresh), sorted(trained)] as const;
    await expect(measured(foldedGraph(fresh, generated), ends)).rejects.toThrow(
      /bn1 or bn2 may be folded into onnx::Conv_conv10.*Export the graph again with them kept/,
    );
    await expectSame(foldedGraph(trained, generated), keptGraph(fresh), ends); // only one fits here
  });

  it("refuses equal biases that were written once, and one that was left out", async () => {
    const once: Names = (name) => [`onnx::Conv_${name}0`, "onnx::Conv_bias"];
    const graph = foldedGraph(fresh, once);
    await expect(measured(graph, [fresh, trained])).rejects.toThrow(
      "bn1 is folded into onnx::Conv_conv10, but into no bias",
    );
    const none: Names = (name) => [`onnx::Conv_${name}0`, ""];
    const bare = foldedGraph(fresh, none, (folded) => folded.delete(""));
    await expect(measured(bare, [fresh, trained])).rejects.toThrow("but into no bias");
  });

  it("passes over normalisations that lack a part", async () => {
    const bare = (weights: Weights): Weights =>
      new Map([
        ["bn0.running_mean", tensor("float32", [channels])],
        ["bn0.running_var", tensor("float32", [channels], [1, 1, 1])],
        ...weights,
      ]);
    const ends = [bare(network("a")), bare(trained)] as const;
    await expectSame(foldedGraph(network("a"), generated), keptGraph(network("a")), ends);
  });
});

describe("batch normalisations folded into weights that keep their names", () => {
  const optimised: Names = (name) => [`${name}.weight`, `${name}.weight_bias`]; // as PyTorch's exporter does
  const named: Names = (name) => [`${name}.weight`, `${name}.bias`];
  const ends = [network("a"), network("b")] as const;
  const biased = [network("a", false, true), network("b", false, true)] as const;

  it.each([
    ["without a bias", ends, optimised],
    ["with a bias", biased, named],
  ] as const)("takes them apart, convolutions %s", async (_, ends, names) => {
    for (const end of ends) await expectSame(foldedGraph(end, names), keptGraph(end), ends);
    const bySort = [sorted(ends[0]), sorted(ends[1])] as const;
    await expectSame(foldedGraph(ends[1], names), keptGraph(ends[1]), bySort);
  });

  it("of a fresh network", async () => {
    const [fresh, trained] = [network("a", true, true), network("b", false, true)];
    for (const i of [1, 2]) fresh.set(`conv${i}.bias`, tensor("float32", [channels])); // so the folded one is equal to it
    await expectSame(foldedGraph(fresh, named), keptGraph(fresh), [fresh, trained]);
  });

  it("refuses weights of a third network, but not where the normalisations are there", async () => {
    const third = network("c");
    await expect(measured(foldedGraph(third, optimised), ends)).rejects.toThrow(
      /bn1.running_mean is not used, and conv1.weight has the elements of neither end/,
    );
    await expectSame(keptGraph(third), keptGraph(ends[0]), ends);
  });

  it("refuses a bias that is of neither end", async () => {
    const graph = foldedGraph(biased[0], named, (folded) =>
      folded.set("conv2.bias", randomTensor("other", [channels])),
    );
    await expect(measured(graph, biased)).rejects.toThrow(
      "bn2 is folded into conv2.weight, but into no bias of its own",
    );
  });

  it.each([1, 2])("takes them out of transposed convolutions of %i groups and of matrix products", async (group) => {
    const weights = (seed: string): Weights =>
      new Map([
        ["up.weight", randomTensor(`${seed}up`, [2, channels * (2 / group), 2, 2])],
        ...["weight", "bias", "running_mean", "running_var"].map((part): [string, Tensor] => [
          `bn1.${part}`,
          randomTensor(seed + part, [2 * channels], 0.3, 2),
        ]),
        ["fc.weight", randomTensor(`${seed}fc`, [channels, 2 * channels])],
        ["fc.bias", randomTensor(`${seed}fcb`, [channels])],
        ...normOf("bn2", seed, false),
        ["last.weight", randomTensor(`${seed}last`, [channels, 4])],
        ...normOf("bn3", seed, false).map(([name, { shape: _, ...rest }]): [string, Tensor] => [
          name,
          { ...rest, shape: [4], data: Float32Array.of(...(rest.data as Float32Array), 1) },
        ]),
      ]);
    const norm = (i: number) => ["weight", "bias", "running_mean", "running_var"].map((part) => `bn${i}.${part}`);
    const up = { kernel_shape: [2, 2], strides: [2, 2], group };
    const [a, b] = [weights("a"), weights("b")];
    const kept: NodeSpec[] = [
      ["ConvTranspose", ["x", "up.weight"], "u", up],
      ["BatchNormalization", ["u", ...norm(1)], "v"],
      ["Tanh", ["v"], "w"],
      ["GlobalAveragePool", ["w"], "p"],
      ["Flatten", ["p"], "q"],
      ["Gemm", ["q", "fc.weight", "fc.bias"], "f", { transB: 1 }],
      ["BatchNormalization", ["f", ...norm(2)], "g"],
      ["Tanh", ["g"], "h"],
      ["Gemm", ["h", "last.weight"], "l"],
      ["BatchNormalization", ["l", ...norm(3)], "y"],
    ];
    const folded: NodeSpec[] = [
      ["ConvTranspose", ["x", "up.weight", "up.weight_bias"], "v", up],
      ...kept.slice(2, 5),
      ["Gemm", ["q", "fc.weight", "fc.bias"], "g", { transB: 1 }],
      kept[7],
      ["Gemm", ["h", "last.weight", "last.weight_bias"], "y"],
    ];
    const values = (name: string) => toNumbers(a.get(name)!);
    const scale = (i: number) =>
      values(`bn${i}.weight`).map((g, c) => g / Math.sqrt(values(`bn${i}.running_var`)[c] + 1e-5));
    const scaled = (i: number, name: string, channel: (at: number) => number): [string, Tensor] => {
      const s = scale(i);
      const { shape } = a.get(name)!;
      return [
        name,
        tensor(
          "float32",
          shape,
          values(name).map((x, at) => x * s[channel(at)]),
        ),
      ];
    };
    const shifted = (i: number, name: string, own?: string): [string, Tensor] => {
      const s = scale(i);
      const mean = values(`bn${i}.running_mean`);
      const bias = values(`bn${i}.bias`).map((x, c) => x + ((own ? values(own)[c] : 0) - mean[c]) * s[c]);
      return [name, tensor("float32", [bias.length], bias)];
    };
    const each = (2 / group) * channels; // outputs of a group
    const graph = graphBytes(
      folded,
      new Map([
        scaled(
          1,
          "up.weight",
          (at) => (group === 2 ? Math.floor(at / (4 * each)) * each : 0) + (Math.floor(at / 4) % each),
        ),
        shifted(1, "up.weight_bias"),
        scaled(2, "fc.weight", (at) => Math.floor(at / (2 * channels))),
        shifted(2, "fc.bias", "fc.bias"),
        scaled(3, "last.weight", (at) => at % 4),
        shifted(3, "last.weight_bias"),
      ]),
      [2, 4, 4],
    );
    await expectSame(graph, graphBytes(kept, a, [2, 4, 4]), [a, b]);
  });
});
