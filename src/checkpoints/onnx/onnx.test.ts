import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  GraphProtoSchema,
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
} from "onnx-buf";
import { expect, it } from "vitest";
import { onnxBytes, plain, readTensors, refusal, temporaryFolder } from "../../../test/checkpoints.ts";
import { bytesOf, fromNumbers, tensor, toNumbers } from "../../core/index.ts";
import { openCheckpoint } from "../detect.ts";
import { rewriteCheckpoint } from "../writing/rewrite.ts";

const folder = temporaryFolder();
const path = join(folder, "model.onnx");

const model = (...initializer: TensorProto[]) =>
  toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, { irVersion: 8n, producerName: "x", graph: create(GraphProtoSchema, { initializer }) }),
  );
const external = (entries: Record<string, string>, dims: bigint[]) =>
  create(TensorProtoSchema, {
    name: "w",
    dataType: 1,
    dims,
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: Object.entries(entries).map(([key, value]) => create(StringStringEntryProtoSchema, { key, value })),
  });

it("reads raw initialisers of every type", async () => {
  const tensors = new Map([
    ["conv.weight", tensor("float32", [2, 3], [1, 2, 3, 4, 5, 6])],
    ["half", fromNumbers("float16", [2], [0.5, -3])],
    ["brain", fromNumbers("bfloat16", [2], [0.5, -3])],
    ["steps", tensor("int64", [], [7])],
    ["mask", tensor("bool", [3], [1, 0, 1])],
    ["empty", tensor("float32", [0, 4])],
  ]);
  expect(plain(await readTensors(path, onnxBytes(tensors)))).toEqual(plain(tensors));
});

it("reads elements that are stored as numbers, small floats in int32_data among them", async () => {
  const half = fromNumbers("float16", [3], [0.5, -3, 1]);
  const bytes = model(
    create(TensorProtoSchema, { name: "f", dataType: 1, dims: [2n], floatData: [1.5, -2] }),
    create(TensorProtoSchema, { name: "d", dataType: 11, dims: [1n], doubleData: [Math.PI] }),
    create(TensorProtoSchema, { name: "i", dataType: 7, dims: [2n], int64Data: [-1n, 2n ** 40n] }),
    create(TensorProtoSchema, { name: "h", dataType: 10, dims: [3n], int32Data: Array.from(half.data, Number) }),
    create(TensorProtoSchema, { name: "b", dataType: 3, dims: [2n], int32Data: [-5, 5] }),
    create(TensorProtoSchema, { name: "text", dataType: 8, dims: [1n] }),
  );
  const found = await readTensors(path, bytes);
  expect([...found].map(([name, t]) => [name, ...toNumbers(t)])).toEqual([
    ["f", 1.5, -2],
    ["d", Math.PI],
    ["i", -1, 2 ** 40],
    ["h", 0.5, -3, 1],
    ["b", -5, 5],
  ]);
});

it("refuses to replace elements that are stored as integers, and says how to store them", async () => {
  writeFileSync(path, model(create(TensorProtoSchema, { name: "h", dataType: 10, dims: [2n], int32Data: [15360, 1] })));
  const checkpoint = await openCheckpoint(path);
  const replace = async () => fromNumbers("float16", [2], [1, 2]);
  await expect(rewriteCheckpoint(checkpoint, join(folder, "m.onnx"), new Set(["h"]), replace)).rejects.toThrow(
    'stores "h" as integers, which cannot be rewritten in place. In Python, run t.CopyFrom(numpy_helper.from_array(',
  );
  await checkpoint.close();
});

it("reads external data next to the model, from their offset", async () => {
  const values = tensor("float32", [2], [3, 4]);
  writeFileSync(join(folder, "weights.bin"), Buffer.concat([Buffer.alloc(16), bytesOf(values)]));
  const found = await readTensors(path, model(external({ location: "weights.bin", offset: "16", length: "8" }, [2n])));
  expect(toNumbers(found.get("w")!)).toEqual(Float32Array.of(3, 4));
  const checkpoint = await openCheckpoint(path);
  expect(checkpoint.files).toEqual([path, join(folder, "weights.bin")]);
  await checkpoint.close();
});

it.each([
  ["elsewhere", { location: "../weights.bin" }, [2n], /"..\/weights.bin", which is not a file in the model's folder/],
  ["nowhere", { location: "none.bin" }, [2n], /none.bin does not exist, but .*\.onnx stores tensors in it\. Copy it/],
  ["too short", { location: "weights.bin", offset: "16" }, [2_000_000n], /is truncated/],
] as const)("refuses external data that are %s", async (_, entries, dims, sentence) => {
  expect(await refusal(path, model(external(entries, [...dims])))).toMatch(sentence);
});

it("refuses a wrong length, and a model without a graph", async () => {
  expect(
    await refusal(
      path,
      model(create(TensorProtoSchema, { name: "w", dataType: 1, dims: [9n], rawData: new Uint8Array(8) })),
    ),
  ).toMatch(/"w" has 8 bytes, but its shape and type require 36/);
  expect(
    await refusal(path, toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 8n, producerName: "x" }))),
  ).toMatch(/no graph/);
});

it("reads little of a large file when it is opened", async () => {
  const large = tensor("float32", [1 << 20]);
  writeFileSync(path, onnxBytes(new Map([["w", large]])));
  const before = process.memoryUsage().arrayBuffers;
  const checkpoint = await openCheckpoint(path);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
  await checkpoint.close();
});
