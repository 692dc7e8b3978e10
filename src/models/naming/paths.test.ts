import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { groupLayers, matchLayers } from "../layers.ts";
import { globExpression, layerOf, moduleOf } from "./paths.ts";

const tensors = (names: readonly string[]) => names.map((name) => ({ name, dtype: "float32" as const, shape: [2] }));
const layersOf = (names: readonly string[], group?: "module" | "block" | "tensor") =>
  groupLayers(tensors(names), { group }).map(({ name }) => name);

describe("a layer's name", () => {
  it.each([
    ["block.0.conv.weight", "block.0.conv"],
    ["head/kernel", "head"],
    ["encoder/layer_._0/attention/query/kernel:0", "encoder/layer_._0/attention/query"],
    ["cls", "cls"],
    ["cls:0", "cls"],
    ["onnx::MatMul_19", "onnx::MatMul_19"],
    ["/Constant_output_0", "/Constant_output_0"],
    ["/fc/Constant_output_0", "/fc"],
    ["call/vit/dense/MatMul/ReadVariableOp:0", "call/vit/dense"],
    ["call/vit/dense/BiasAdd/ReadVariableOp:0", "call/vit/dense"],
    ["call/norm/batchnorm/mul/ReadVariableOp:0", "call/norm"],
    ["call/norm/batchnorm/ReadVariableOp_2:0", "call/norm"],
    ["call/query/einsum/Einsum/ReadVariableOp:0", "call/query"],
    ["call/query/add/ReadVariableOp:0", "call/query"],
    ["call/bn/FusedBatchNormV3/ReadVariableOp_1:0", "call/bn"],
    ["call/bn/ReadVariableOp:0", "call/bn"],
    ["fc.parametrizations.weight.original0", "fc"],
    ["up.0.parametrizations.weight.0._u", "up.0"],
    ["parametrizations.weight.original", "parametrizations.weight.original"],
    ["parametrizations.weight", "parametrizations"],
  ])("of %s is %s", (name, layer) => expect(layerOf(name)).toBe(layer));

  it("is the module with either separator, for any components", () => {
    const component = fc.stringMatching(/^[A-Za-z0-9_]{1,8}$/).filter((text) => !text.startsWith("ReadVariableOp"));
    fc.assert(
      fc.property(fc.array(component, { minLength: 2, maxLength: 6 }), fc.boolean(), (parts, indexed) => {
        for (const separator of [".", "/"]) {
          const name = parts.join(separator) + (indexed ? ":0" : "");
          expect(moduleOf(name)).toBe(parts.slice(0, -1).join(separator));
        }
      }),
    );
  });
});

describe("names with underscores only", () => {
  it.each([
    [
      ["net_conv0_weight", "net_conv0_bias", "net_bn0_gamma", "net_bn0_running_var", "net_bn0_running_mean"],
      ["net_conv0", "net_bn0"],
    ],
    [
      ["conv1_w_0", "conv1_b_0", "conv1_bn_s_0", "conv1_bn_b_0", "conv1_bn_rm_0", "conv1_bn_riv_0"],
      ["conv1", "conv1_bn"],
    ],
    [
      ["in_proj_weight", "in_proj_bias", "out_proj.weight"],
      ["in_proj", "out_proj"],
    ],
    [
      ["fc_w_0", "fc_b_0", "fc_w_1", "fc_b_1"],
      ["fc_w_0", "fc_b_0", "fc_w_1", "fc_b_1"],
    ],
    [
      ["fc_weight", "fc_bias", "fc"],
      ["fc_weight", "fc_bias", "fc"],
    ],
    [
      ["fc_weight", "logit_scale", "class_bias"],
      ["fc_weight", "logit_scale", "class_bias"],
    ],
    [["attn.in_proj_weight", "attn.in_proj_bias"], ["attn"]],
  ])("of %j are the layers %j", (names, layers) => expect(layersOf(names)).toEqual(layers));

  it.each([
    [
      ["gpu_0/conv1_w_0", "gpu_0/conv1_bn_s_0", "gpu_0/conv1_bn_b_0", "gpu_0/pred_w_0", "gpu_0/pred_b_0"],
      ["gpu_0/conv1_w_0", "gpu_0/conv1_bn", "gpu_0/pred"],
    ],
    [
      ["fire2/squeeze1x1_w_0", "fire2/squeeze1x1_b_0", "fire2/expand1x1_w_0", "fire2/expand1x1_b_0", "conv10_w_0"],
      ["fire2/squeeze1x1", "fire2/expand1x1", "conv10_w_0"],
    ],
    [
      ["net.conv1_weight", "net.conv1_bias", "net.bn1_gamma", "net.bn1_moving_mean", "net.out.weight", "net.scale"],
      ["net.conv1", "net.bn1", "net.out", "net"],
    ],
    [
      ["net/fc_w_0", "net/fc_b_0", "net/fc_w_1", "net/fc_b_1"],
      ["net/fc_w_0", "net/fc_b_0", "net/fc_w_1", "net/fc_b_1"],
    ],
    [
      ["attn.in_proj_weight", "attn.in_proj_bias", "attn.bias_k", "attn.out_proj.weight"],
      ["attn", "attn.out_proj"],
    ],
    [["attn.q_proj_weight", "attn.k_proj_weight", "attn.v_proj_weight", "attn.in_proj_bias"], ["attn"]],
    [
      ["attn.q_bias", "attn.v_bias", "attn.qkv.weight"],
      ["attn", "attn.qkv"],
    ],
    [["rnn.weight_ih_l0", "rnn.bias_ih_l0", "rnn.weight_hh_l0", "rnn.bias_hh_l0"], ["rnn"]],
  ])("of %j, some behind a scope, are the layers %j", (names, layers) => expect(layersOf(names)).toEqual(layers));

  it("are blocks by their scope", () => {
    const names = ["cell_0/a_w", "cell_0/a_b", "cell_0/c_w", "cell_1/a_w", "cell_1/a_b", "cell_1/c_w"];
    expect(layersOf(names, "block")).toEqual(["cell_0", "cell_1"]);
  });
});

describe("blocks", () => {
  it.each([
    [
      ["h.0.ln_1.weight", "h.0.mlp.fc.weight", "h.1.ln_1.weight"],
      ["h.0", "h.1"],
    ],
    [
      ["net/layers/0/fc/kernel", "net/layers/1/fc/kernel", "head/kernel"],
      ["net/layers/0", "net/layers/1", "head"],
    ],
    [["T/encoderblock_0/norm_0/scale", "T/encoderblock_0/mlp_3/dense_0/kernel"], ["T/encoderblock_0"]],
    [["bert/layer_._0/query/kernel:0", "bert/layer_._0/key/kernel:0"], ["bert/layer_._0"]],
    [["e.encoder_layer_0.mlp.0.weight", "e.encoder_layer_0.ln.weight"], ["e.encoder_layer_0"]],
    [
      ["encoder_1.layers.0.fc.weight", "encoder_2.layers.0.fc.weight"],
      ["encoder_1.layers.0", "encoder_2.layers.0"],
    ],
    [
      ["down_1.conv.weight", "down_1.norm.weight", "down_2.conv.weight"],
      ["down_1", "down_2"],
    ],
    [
      ["resnet_v2_50/stem/kernel", "resnet_v2_50/head/kernel"],
      ["resnet_v2_50/stem", "resnet_v2_50/head"],
    ],
    [
      ["layer1.0.conv1.weight", "layer1.0.bn1.weight", "fc.weight"],
      ["layer1.0", "fc"],
    ],
    [
      ["0.conv.weight", "0.norm.weight", "1.weight"],
      ["0", "1"],
    ],
    [["scales.0", "scales.1"], ["scales"]],
  ])("of %j are %j", (names, blocks) => expect(layersOf(names, "block")).toEqual(blocks));
});

it("has no layer of tensors without elements", () => {
  const weight = { name: "fc.weight", dtype: "float32" as const, shape: [2] };
  const empty = { name: "model.device_indicator_param", dtype: "float32" as const, shape: [0] };
  expect(groupLayers([empty, weight]).map(({ name }) => name)).toEqual(["fc"]);
});

it("refuses --group sublayer if names do not give the halves of blocks", () => {
  expect(() => groupLayers(tensors(["h.0.attn.weight"]), { group: "sublayer" })).toThrow(
    "Choose module, block or tensor",
  );
});

describe("globs", () => {
  const layers = groupLayers(tensors(["T/block_0/query/kernel", "T/block_0/norm/scale", "T/pos/table", "head/kernel"]));
  const matched = (...globs: string[]) => matchLayers(layers, globs).map(({ name }) => name);

  it("match either separator, and * within a component", () => {
    expect(matched("T/block_0/**")).toEqual(["T/block_0/query", "T/block_0/norm"]);
    expect(matched("T.block_0.*")).toEqual(["T/block_0/query", "T/block_0/norm"]);
    expect(matched("T/*")).toEqual(["T/pos"]);
    expect(matched("T/block_0/n*.**")).toEqual(["T/block_0/norm"]);
    expect(() => matched("T/block.**")).toThrow("No layer matches T/block.**");
    expect(matched("**/query", "head")).toEqual(["T/block_0/query", "head"]);
    expect(() => matched("*/query")).toThrow("No layer matches */query");
  });

  it("match every name, and its form with the other separator", () => {
    const name = fc.stringMatching(/^[A-Za-z0-9_()+[\]^$|{}\\?:-]{1,6}([./][A-Za-z0-9_()+$-]{1,6}){0,4}$/);
    fc.assert(
      fc.property(name, (path) => {
        expect(globExpression(path).test(path)).toBe(true);
        expect(globExpression(path.replaceAll("/", ".")).test(path.replaceAll(".", "/"))).toBe(true);
        expect(globExpression("*").test(path)).toBe(!/[./]/.test(path));
        expect(globExpression("**").test(path)).toBe(true);
      }),
    );
  });
});
