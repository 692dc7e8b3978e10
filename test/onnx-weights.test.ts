// Graphs with two state dicts, with weights that an exporter has changed: they give the numbers of the unchanged graph,
// or they are refused.
import { beforeAll, describe, expect, it } from "vitest";
import { type DType, type Tensor, tensor, toNumbers } from "../src/core/index.ts";
import {
  channels,
  expectSame,
  foldedGraph,
  generated,
  graphBytes,
  inType,
  keptGraph,
  measured,
  type Names,
  type NodeSpec,
  network,
  normOf,
  randomTensor,
  sorted,
  type Weights,
  writeSamples,
} from "./onnx-graphs.ts";

beforeAll(writeSamples);

describe("batch normalisations folded into weights with generated names", () => {
  const trained = network("b");
  const fresh = network("a", true);

  it.each([false, true])("are separated, convolutions with a bias: %s", async (hasBias) => {
    const ends = [network("a", false, hasBias), network("b", false, hasBias)] as const;
    await expectSame(foldedGraph(ends[0], generated), keptGraph(ends[0]), ends);
  });

  it("of a new network are found by the order of the state dict", async () => {
    const notes = await expectSame(foldedGraph(fresh, generated), keptGraph(fresh), [fresh, trained]);
    expect(notes).not.toContain("does not use");
  });

  it("of a new network are found with a bias of zero", async () => {
    const ends = [network("a", true, true), network("b", false, true)] as const;
    for (const i of [1, 2]) ends[0].set(`conv${i}.bias`, tensor("float32", [channels]));
    await expectSame(foldedGraph(ends[0], generated), keptGraph(ends[0]), ends);
  });

  it("are refused if several fit and the names are sorted", async () => {
    const ends = [sorted(fresh), sorted(trained)] as const;
    await expect(measured(foldedGraph(fresh, generated), ends)).rejects.toThrow(
      /bn1 or bn2 may be folded into onnx::Conv_conv10.*Export the graph again without folding them/,
    );
    await expectSame(foldedGraph(trained, generated), keptGraph(fresh), ends); // only one fits here
  });

  it("are refused with equal biases that were stored once, and with a missing bias", async () => {
    const once: Names = (name) => [`onnx::Conv_${name}0`, "onnx::Conv_bias"];
    const graph = foldedGraph(fresh, once);
    await expect(measured(graph, [fresh, trained])).rejects.toThrow(
      "bn1 is folded into onnx::Conv_conv10, but not into a separate bias",
    );
    const none: Names = (name) => [`onnx::Conv_${name}0`, ""];
    const bare = foldedGraph(fresh, none, (folded) => folded.delete(""));
    await expect(measured(bare, [fresh, trained])).rejects.toThrow("but not into a separate bias");
  });

  it("are ignored if the normalisation lacks a part", async () => {
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
  ] as const)("are separated, convolutions %s", async (_, ends, names) => {
    for (const end of ends) await expectSame(foldedGraph(end, names), keptGraph(end), ends);
    const bySort = [sorted(ends[0]), sorted(ends[1])] as const;
    await expectSame(foldedGraph(ends[1], names), keptGraph(ends[1]), bySort);
  });

  it("of a new network are separated", async () => {
    const [fresh, trained] = [network("a", true, true), network("b", false, true)];
    // so the folded bias is equal to it
    for (const i of [1, 2]) fresh.set(`conv${i}.bias`, tensor("float32", [channels]));
    await expectSame(foldedGraph(fresh, named), keptGraph(fresh), [fresh, trained]);
  });

  it("are refused with weights of a third network, unless the normalisations are kept", async () => {
    const third = network("c");
    await expect(measured(foldedGraph(third, optimised), ends)).rejects.toThrow(
      /bn1.running_mean is not used, and conv1.weight does not match either end/,
    );
    await expectSame(keptGraph(third), keptGraph(ends[0]), ends);
  });

  it("are refused with a bias that matches neither end", async () => {
    const graph = foldedGraph(biased[0], named, (folded) =>
      folded.set("conv2.bias", randomTensor("other", [channels])),
    );
    await expect(measured(graph, biased)).rejects.toThrow(
      "bn2 is folded into conv2.weight, but not into a separate bias",
    );
  });

  it.each([1, 2])(
    "are separated from transposed convolutions with %i groups, and from matrix products",
    async (group) => {
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
    },
  );
});

describe("graphs in a precision other than float32", () => {
  const ends = [network("a"), network("b")] as const;
  const named: Names = (name) => [`${name}.weight`, `${name}.weight_bias`];
  const halves = [inType(ends[0], "float16"), inType(ends[1], "float16")] as const;

  it.each([
    ["of float32", ends],
    ["of float16", halves],
  ] as const)("half precision, its normalisations kept or folded, with state dicts %s", async (_, dicts) => {
    await expectSame(keptGraph(ends[0], "float16"), keptGraph(ends[0]), dicts, 2);
    for (const names of [generated, named])
      await expectSame(foldedGraph(ends[0], names, undefined, "float16"), keptGraph(ends[0]), dicts, 2);
  });

  it("half precision, with recalibrated running statistics", async () => {
    const [half, single] = [
      await measured(keptGraph(ends[0], "float16"), ends, "full", "recalibrate"),
      await measured(keptGraph(ends[0]), ends, "full", "recalibrate"),
    ];
    expect(half.cells[0].loss!.value).toBeCloseTo(single.cells[0].loss!.value!, 2);
  });

  it("half precision of a fresh network is refused, where a fold cannot be seen", async () => {
    const [fresh, trained] = [network("a", true), network("b")];
    const graph = foldedGraph(fresh, named, undefined, "float16");
    await expect(measured(graph, [fresh, trained])).rejects.toThrow("is not used");
  });

  it("double precision", async () => {
    const nodes: NodeSpec[] = [
      ["Flatten", ["x"], "f"],
      ["MatMul", ["f", "onnx::MatMul_9"], "/fc/MatMul"],
      ["Add", ["/fc/MatMul", "fc.bias"], "y"],
    ];
    const linear = (seed: string): Weights =>
      new Map([
        ["fc.weight", randomTensor(`${seed}linear`, [4, 32])],
        ["fc.bias", randomTensor(`${seed}bias`, [4])],
      ]);
    const [a, b] = [linear("a"), linear("b")];
    const values = toNumbers(a.get("fc.weight")!);
    const turned = values.map((_, i) => values[(i % 4) * 32 + Math.floor(i / 4)]);
    const own: Weights = new Map([
      ["onnx::MatMul_9", tensor("float32", [32, 4], turned)],
      ["fc.bias", a.get("fc.bias")!],
    ]);
    const graph = (dtype: DType) => graphBytes(nodes, inType(own, dtype), [2, 4, 4], dtype);
    await expectSame(graph("float64"), graph("float32"), [a, b]);
  });
});
