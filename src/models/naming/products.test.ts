import { describe, expect, it } from "vitest";
import { graphBytes, type NodeSpec, randomTensor } from "../../../test/onnx-graphs.ts";
import { type Held, importModel } from "../../graph/index.ts";
import { kindOf } from "../kinds.ts";
import { layersOf } from "../layers.ts";
import { isGenerated, modulePath } from "../onnx-names.ts";
import { graphParameters } from "../onnx-parameters.ts";

const isWeight = (name: string) => kindOf({ name, dtype: "float32", shape: [] }, () => false);

/** The layers of a graph over x [n, 8], by its nodes and the shapes of its weights. */
function layers(nodes: readonly NodeSpec[], shapes: Readonly<Record<string, readonly number[]>>) {
  const weights = new Map(Object.entries(shapes).map(([name, shape]) => [name, randomTensor(name, shape)]));
  const parameters = graphParameters(importModel(graphBytes(nodes, weights, [8])), () => true, isWeight);
  return Object.fromEntries(layersOf({ parameters, tied: [] }).map((layer) => [layer.name, layer.parameters]));
}

describe("a weight and the bias that is added to its product", () => {
  it("are one layer with the bias's name if the weight's is generated", () => {
    const nodes: NodeSpec[] = [
      ["MatMul", ["x", "onnx::MatMul_1"], "/layer.0/query/MatMul"],
      ["Add", ["encoder.layer.0.attention.query.bias", "/layer.0/query/MatMul"], "/layer.0/query/Add"],
      ["MatMul", ["/layer.0/query/Add", "onnx::MatMul_2"], "/layer.0/dense/MatMul"],
      ["Add", ["/layer.0/dense/MatMul", "encoder.layer.0.attention.output.dense.bias"], "y"],
    ];
    const shapes = {
      "onnx::MatMul_1": [8, 4],
      "encoder.layer.0.attention.query.bias": [4],
      "onnx::MatMul_2": [4, 6],
      "encoder.layer.0.attention.output.dense.bias": [6],
    };
    expect(layers(nodes, shapes)).toEqual({
      "encoder.layer.0.attention.query": ["onnx::MatMul_1", "encoder.layer.0.attention.query.bias"],
      "encoder.layer.0.attention.output.dense": ["onnx::MatMul_2", "encoder.layer.0.attention.output.dense.bias"],
    });
  });

  it("are one layer with the weight's name if neither names a module", () => {
    const nodes: NodeSpec[] = [
      ["MatMul", ["x", "coefficient"], "product"],
      ["Cast", ["product"], "cast", { to: 1 }],
      ["Add", ["cast", "intercepts"], "h"],
      ["MatMul", ["h", "coefficient1"], "product1"],
      ["Add", ["product1", "intercepts1"], "y"],
    ];
    const shapes = { coefficient: [8, 4], intercepts: [1, 4], coefficient1: [4, 4], intercepts1: [1, 4] };
    expect(layers(nodes, shapes)).toEqual({
      coefficient: ["coefficient", "intercepts"],
      coefficient1: ["coefficient1", "intercepts1"],
    });
  });

  it("are one layer with the common prefix of both names, if no other layer has that name", () => {
    const nodes: NodeSpec[] = [
      ["MatMul", ["x", "fc_w_0"], "p"],
      ["Add", ["p", "fc_b_0"], "h"],
      ["MatMul", ["h", "layer_w1"], "q"],
      ["Add", ["q", "layer_b1"], "g"],
      ["MatMul", ["g", "layer_w2"], "r"],
      ["Add", ["r", "layer_b2"], "y"],
    ];
    const shapes = { fc_w_0: [8, 4], fc_b_0: [4], layer_w1: [4, 4], layer_b1: [4], layer_w2: [4, 4], layer_b2: [4] };
    expect(layers(nodes, shapes)).toEqual({
      fc: ["fc_w_0", "fc_b_0"],
      layer_w1: ["layer_w1", "layer_b1"],
      layer_w2: ["layer_w2", "layer_b2"],
    });
  });

  it("are found through reshapes, and in a single operation", () => {
    const nodes: NodeSpec[] = [
      ["Transpose", ["kernel"], "turned", { perm: [1, 0] }],
      ["MatMul", ["x", "turned"], "product"],
      ["Unsqueeze", ["product", "axes"], "wide"],
      ["Unsqueeze", ["offset", "axes"], "row"],
      ["Add", ["wide", "row"], "sum"],
      ["Flatten", ["sum"], "flat"],
      ["Gemm", ["flat", "onnx::Gemm_3", "head.bias"], "y", { transB: 1 }],
    ];
    const shapes = { kernel: [4, 8], offset: [4], "onnx::Gemm_3": [3, 4], "head.bias": [3] };
    expect(layers(nodes, shapes)).toEqual({
      kernel: ["kernel", "offset"],
      head: ["onnx::Gemm_3", "head.bias"],
    });
  });

  it.each<[string, NodeSpec[], Record<string, number[]>]>([
    [
      "another module adds",
      [
        ["MatMul", ["x", "fc.weight"], "p"],
        ["Add", ["p", "shift.bias"], "y"],
      ],
      { "fc.weight": [8, 4], "shift.bias": [4] },
    ],
    [
      "is a table of positions",
      [
        ["MatMul", ["x", "onnx::MatMul_1"], "p"],
        ["Add", ["p", "positions.table"], "y"],
      ],
      { "onnx::MatMul_1": [8, 4], "positions.table": [5, 4] },
    ],
    [
      "is added to two products",
      [
        ["MatMul", ["x", "onnx::MatMul_1"], "p"],
        ["MatMul", ["x", "onnx::MatMul_2"], "q"],
        ["Add", ["p", "one.bias"], "r"],
        ["Add", ["q", "one.bias"], "s"],
        ["Add", ["r", "s"], "y"],
      ],
      { "onnx::MatMul_1": [8, 4], "onnx::MatMul_2": [8, 4], "one.bias": [4] },
    ],
    [
      "is added to a product with another use",
      [
        ["MatMul", ["x", "onnx::MatMul_1"], "p"],
        ["Add", ["p", "one.bias"], "r"],
        ["Mul", ["p", "r"], "y"],
      ],
      { "onnx::MatMul_1": [8, 4], "one.bias": [4] },
    ],
    [
      "differs between the products of one weight",
      [
        ["MatMul", ["x", "onnx::MatMul_1"], "p"],
        ["Add", ["p", "one.bias"], "r"],
        ["MatMul", ["r", "onnx::MatMul_1"], "q"],
        ["Add", ["q", "two.bias"], "y"],
      ],
      { "onnx::MatMul_1": [8, 8], "one.bias": [8], "two.bias": [8] },
    ],
  ])("are apart where it %s", (_, nodes, shapes) => {
    expect(Object.values(layers(nodes, shapes)).every(({ length }) => length === 1)).toBe(true);
  });
});

describe("the parameters of one normalisation", () => {
  const batchNorm = (...names: string[]): NodeSpec => ["BatchNormalization", ["h", ...names], "y"];
  const product: NodeSpec = ["MatMul", ["x", "dense0_weight"], "h"];
  const gluon = ["bn0_gamma", "bn0_beta", "bn0_running_mean", "bn0_running_var"];
  const caffe2 = ["conv_bn_s_0", "conv_bn_b_0", "conv_bn_rm_0", "conv_bn_riv_0"];
  const sizes = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, [4]]));

  it.each([
    ["bn0", gluon],
    ["conv_bn", caffe2],
    ["norm", ["norm.weight", "norm.bias", "onnx::BatchNormalization_3", "onnx::BatchNormalization_4"]],
    ["bn.norm", ["bn.norm.weight", "bn.norm.bias", "bn.norm.running_mean", "bn.norm.running_var"]],
  ])("are the layer %s", (name, names) => {
    const shapes = { dense0_weight: [8, 4], ...sizes(names) };
    expect(layers([product, batchNorm(...names)], shapes)).toEqual({
      dense0_weight: ["dense0_weight"],
      [name]: names,
    });
  });

  it("are a layer of their own behind a scope, which is none", () => {
    const names = caffe2.map((name) => `gpu_0/${name}`);
    const nodes: NodeSpec[] = [
      ["Conv", ["x", "gpu_0/conv_w_0"], "h"],
      batchNorm(...names),
      ["Gemm", ["y", "gpu_0/pred_w_0", "gpu_0/pred_b_0"], "z"],
    ];
    const shapes = { "gpu_0/conv_w_0": [4, 8, 1], ...sizes(names), "gpu_0/pred_w_0": [4, 3], "gpu_0/pred_b_0": [3] };
    expect(layers(nodes, shapes)).toEqual({
      "gpu_0/conv_w_0": ["gpu_0/conv_w_0"],
      "gpu_0/conv_bn": names,
      "gpu_0/pred": ["gpu_0/pred_w_0", "gpu_0/pred_b_0"],
    });
  });

  it("are separate layers if another node uses one of them", () => {
    const nodes: NodeSpec[] = [product, ["BatchNormalization", ["h", ...gluon], "g"], ["Add", ["g", "bn0_beta"], "y"]];
    expect(layers(nodes, { dense0_weight: [8, 4], ...sizes(gluon) })).toMatchObject({
      bn0: gluon.filter((name) => name !== "bn0_beta"),
      bn0_beta: ["bn0_beta"],
    });
  });
});

describe("the parameters of one recurrent layer or attention", () => {
  const shapes = (...names: string[]) => Object.fromEntries(names.map((name) => [name, [1, 4, 4]]));

  it.each([
    ["LSTM", "lstm", ["lstm_W", "lstm_R", "lstm_B"], []],
    ["LSTM", "lstm", ["lstm_W", "lstm_R", "lstm_B"], ["", "", "", "lstm_P"]],
    ["GRU", "W", ["W", "R", "Bb"], []],
    ["RNN", "layer/rnn", ["layer/rnn/kernel", "onnx::RNN_8", "layer/rnn/bias"], []],
    ["Attention", "qkv", ["qkv", "qkv_offset"], []],
  ] as const)("of an %s are the layer %s", (op, name, names, others) => {
    const all = [...names, ...others];
    const own = all.filter(Boolean);
    expect(layers([[op, ["x", ...all], "y"]], shapes(...own))).toEqual({ [name]: own });
  });

  it("are not those of another one, nor its states", () => {
    const nodes: NodeSpec[] = [
      ["GRU", ["x", "W", "R", "", "", "first"], "h"],
      ["GRU", ["h", "W2", "R2"], "y"],
    ];
    expect(layers(nodes, shapes("W", "R", "first", "W2", "R2"))).toEqual({
      W: ["W", "R"],
      first: ["first"],
      W2: ["W2", "R2"],
    });
  });
});

describe("the module of a generated name", () => {
  const held = (metadata: Record<string, string>): Held => ({
    name: "val_7",
    dtype: "float32",
    shape: [2],
    use: {
      node: "node_linear_3",
      op: "MatMul",
      input: 1,
      metadata: Object.entries(metadata).map(([key, value]) => ({ key, value })) as unknown as NonNullable<
        Held["use"]
      >["metadata"],
    },
  });

  it.each([
    [
      { "pkg.torch.onnx.name_scopes": "['', 'model', 'model.layers.0', 'model.layers.0.mlp.up', 'linear_3']" },
      "model.layers.0.mlp.up",
    ],
    [{ "pkg.torch.onnx.name_scopes": "['', 'fc@1', 'linear_3']" }, "fc"],
    [{ namespace: ": Net/fc: torch.nn.modules.linear.Linear/linear_3: aten.linear.default" }, "fc"],
    [{ "pkg.torch.onnx.name_scopes": "['', 'linear_3']" }, undefined],
    [{ "pkg.torch.onnx.name_scopes": "['_empty_nn_module_stack_from_metadata_hook', 'linear_3']" }, undefined],
    [{ note: "none" }, undefined],
  ])("is that of %j", (metadata, path) => expect(modulePath(held(metadata))).toBe(path));

  it.each([
    "val_123",
    "_val_5",
    "node_linear_3",
    "transpose_2",
    "t",
    "zeros",
    "onnx::MatMul_3",
    "/fc/Constant_output_0",
  ])("is asked for %s", (name) => expect(isGenerated(name)).toBe(true));
  it.each(["fc.weight", "text", "logit_scale", "mean", "weight1", "val.weight", "model.rotary_emb.inv_freq"])(
    "is not asked for %s",
    (name) => expect(isGenerated(name)).toBe(false),
  );
});
