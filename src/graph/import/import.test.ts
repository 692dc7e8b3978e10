// Damage inside a model is reported with its name; sparse tensors are read.
import { create, toBinary } from "@bufbuild/protobuf";
import {
  FunctionProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  SparseTensorProtoSchema,
  TensorProto_DataLocation,
  TensorProtoSchema,
} from "onnx-buf";
import { describe, expect, it } from "vitest";
import { onnxTensor } from "../../../test/checkpoints.ts";
import { fromNumbers, tensor, toNumbers } from "../../core/index.ts";
import { importModel } from "../index.ts";
import { denseOf } from "./tensors.ts";

const sparse = (values: number[], indices: number[], shape: number[], dims: number[]) =>
  create(SparseTensorProtoSchema, {
    values: onnxTensor("w", fromNumbers("float16", [values.length], values)),
    indices: onnxTensor("", tensor("int64", shape, indices)),
    dims: dims.map(BigInt),
  });

describe("sparse tensors", () => {
  it("by index and by coordinates, in any precision", () => {
    const wanted = [0, 2, 0, 0, 0, 3];
    for (const one of [sparse([2, 3], [1, 5], [2], [2, 3]), sparse([2, 3], [0, 1, 1, 2], [2, 2], [2, 3])]) {
      const found = denseOf(one)!;
      expect([found.dtype, found.shape, ...toNumbers(found)]).toEqual(["float16", [2, 3], ...wanted]);
    }
    expect(Array.from(toNumbers(denseOf(sparse([], [], [0], [2]))!))).toEqual([0, 0]);
  });

  it.each([
    ["a place outside", sparse([2], [6], [1], [2, 3])],
    ["a negative one", sparse([2], [-1], [1], [2, 3])],
    ["a coordinate outside", sparse([2], [0, 3], [1, 2], [2, 3])],
    ["fewer places", sparse([2, 3], [1], [1], [2, 3])],
  ])("refuses %s", (_, one) => {
    expect(() => denseOf(one)).toThrow("its sparse tensor w has indices that do not fit [2,3]");
  });
});

const model = (graph: object, functions: object[] = []) =>
  toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 8n,
      graph: create(GraphProtoSchema, graph),
      functions: functions.map((one) => create(FunctionProtoSchema, one)),
    }),
  );
const node = (opType: string, more: object) => create(NodeProtoSchema, { opType, ...more });

describe("an imported model", () => {
  it("must not have a function that calls itself", () => {
    const call = (name: string) => node(name, { domain: "local", input: ["x"], output: ["y"] });
    const functions = ["F", "G"].map((name, i) => ({ name, domain: "local", node: [call(["G", "F"][i])] }));
    expect(() => importModel(model({ node: [call("F")] }, functions))).toThrow(/its function [FG] calls itself/);
  });

  it("must not have elements in other files, except for initialisers", () => {
    const elsewhere = create(TensorProtoSchema, {
      name: "w",
      dataType: 1,
      dims: [2n],
      dataLocation: TensorProto_DataLocation.EXTERNAL,
    });
    const constant = node("Constant", { output: ["w"], attribute: [{ name: "value", type: 4, t: elsewhere }] });
    expect(() => importModel(model({ node: [constant] }))).toThrow(
      "the elements of w, which is not an initialiser, are in another file",
    );
    const small = { ...elsewhere, dataType: 22 };
    expect(() => importModel(model({ initializer: [small] }))).toThrow(
      "its initialiser w is int4 in another file, which is not supported",
    );
  });
});
