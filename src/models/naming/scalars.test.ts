import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, StringStringEntryProtoSchema } from "onnx-buf";
import { expect, it } from "vitest";
import { graphBytes, type NodeSpec, randomTensor, valueInfo } from "../../../test/onnx-graphs.ts";
import { importModel } from "../../graph/index.ts";
import { kindOf } from "../kinds.ts";
import { graphParameters } from "../onnx-parameters.ts";

const isWeight = (name: string) => kindOf({ name, dtype: "float32", shape: [] }, () => false);

/** y = x w scaled by numbers, with a stochastic depth that keeps by the number `rate`. */
function graph(scales: readonly string[], rate: string, declared: readonly string[] = []) {
  const nodes: NodeSpec[] = [
    ["MatMul", ["x", "w"], "product"],
    ...scales.map((name, i): NodeSpec => ["Mul", [i ? `scaled${i - 1}` : "product", name], `scaled${i}`]),
    ["Shape", ["product"], "shape"],
    ["ConstantOfShape", ["shape"], "base"],
    ["RandomUniformLike", ["base"], "noise"],
    ["Add", ["noise", rate], "shifted"],
    ["Floor", ["shifted"], "mask"],
    ["Mul", [`scaled${scales.length - 1}`, "mask"], "y"],
  ];
  const weights = new Map([
    ["w", randomTensor("w", [8, 8])],
    ...[...scales, rate].map((name) => [name, randomTensor(name, [])] as const),
  ]);
  const model = fromBinary(ModelProtoSchema, graphBytes(nodes, weights, [8]));
  for (const name of declared) {
    const key = "pkg.torch.export.graph_signature.InputSpec.kind";
    const metadataProps = [create(StringStringEntryProtoSchema, { key, value: "PARAMETER" })];
    model.graph!.valueInfo.push({ ...valueInfo(name, []), metadataProps });
  }
  return importModel(toBinary(ModelProtoSchema, model));
}

const named = (model: ReturnType<typeof graph>, differs = false) =>
  graphParameters(model, () => differs, isWeight).map(({ name }) => name);

it("leaves out numbers that were cast, and that scale random numbers", () => {
  expect(named(graph(["p_cast", "logit_scale", "act.beta", "p_cast_2"], "keep"))).toEqual([
    "w",
    "logit_scale",
    "act.beta",
  ]);
});

it("keeps such numbers where they differ, or are parameters by their module or the exporter", () => {
  const own = ["w", "p_cast", "keep"];
  expect(named(graph(["p_cast"], "keep"), true)).toEqual(own);
  expect(named(graph(["p_cast"], "keep", own))).toEqual(own);
  expect(named(graph(["scale"], "noise.strength"))).toEqual(["w", "scale", "noise.strength"]);
});

it("goes by the exporter where that says what the parameters are", () => {
  expect(named(graph(["scale", "logit_scale"], "keep", ["w", "logit_scale"]))).toEqual(["w", "logit_scale"]);
});
