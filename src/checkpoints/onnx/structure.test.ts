import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { GraphProtoSchema, ModelProtoSchema, NodeProtoSchema, TensorProtoSchema } from "onnx-buf";
import { expect, it } from "vitest";
import { onnxBytes, temporaryFolder } from "../../../test/checkpoints.ts";
import { tensor } from "../../core/index.ts";
import { readStructure } from "./structure.ts";

const path = join(temporaryFolder(), "model.onnx");

it("copies all of a model but the elements of its initialisers, in whatever form they are; texts and eight-bit floats whole", async () => {
  const named = { name: "w", dims: [2n, 1n], docString: "kept" };
  const forms = [
    { ...named, dataType: 1, floatData: [1, 2] },
    { ...named, dataType: 11, doubleData: [1, 2] },
    { ...named, dataType: 7, int64Data: [-1n, 2n] },
    { ...named, dataType: 13, uint64Data: [1n, 2n] },
    { ...named, dataType: 10, int32Data: [1, 2] },
    { ...named, dataType: 1, rawData: new Uint8Array(8) },
    { ...named, dataType: 8, stringData: [new Uint8Array(3), new Uint8Array(300)] },
    { ...named, dataType: 17, rawData: new Uint8Array(2) },
  ];
  const isRead = (type: number) => type !== 8 && type !== 17;
  // more than one window of the reader
  const names = Array.from({ length: 3000 }, (_, i) => `a value with a name ${i}`);
  const modelWith = (initializer: object[]) =>
    create(ModelProtoSchema, {
      irVersion: 8n,
      producerName: "x",
      graph: create(GraphProtoSchema, {
        name: "between",
        initializer: initializer.map((one) => create(TensorProtoSchema, one)),
        node: names.map((name) => create(NodeProtoSchema, { opType: "Relu", input: [name], output: [`${name}'`] })),
      }),
    });
  writeFileSync(path, toBinary(ModelProtoSchema, modelWith(forms)));
  const bare = modelWith(forms.map((one) => (isRead(one.dataType) ? { ...named, dataType: one.dataType } : one)));
  expect(fromBinary(ModelProtoSchema, new Uint8Array(await readStructure(path)))).toEqual(bare);
});

it("is small for a large file", async () => {
  writeFileSync(path, onnxBytes(new Map([["w", tensor("float32", [1000, 1000])]])));
  expect(statSync(path).size).toBeGreaterThan(4e6);
  expect((await readStructure(path)).length).toBeLessThan(200);
});
