import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { GraphProtoSchema, ModelProtoSchema, TensorProtoSchema } from "onnx-buf";
import { expect, it } from "vitest";
import { bytesOfModel } from "./model-bytes.ts";

it("writes the same model as protobuf, for weights of any size", () => {
  const sizes = [0, 3, 4095, 4096, 16_383, 16_384, 2_100_000];
  const graph = create(GraphProtoSchema, {
    name: "one",
    initializer: sizes.map((size, i) =>
      create(TensorProtoSchema, {
        name: `weight ${i}`,
        dataType: 2,
        dims: [BigInt(size)],
        rawData: Uint8Array.from({ length: size }, (_, at) => (at * 31 + i) % 256),
      }),
    ),
  });
  const model = create(ModelProtoSchema, { irVersion: 9n, producerName: "test" });
  const bytes = bytesOfModel(model, graph);
  const whole = toBinary(ModelProtoSchema, create(ModelProtoSchema, { ...model, graph }));
  expect(bytes.length).toBe(whole.length);
  const [read, other] = [fromBinary(ModelProtoSchema, bytes), fromBinary(ModelProtoSchema, whole)];
  const weights = (one: typeof read) => new Map(one.graph!.initializer.map((t) => [t.name, Buffer.from(t.rawData!)]));
  for (const [name, data] of weights(other)) expect(weights(read).get(name)!.equals(data), name).toBe(true);
  expect(read.graph!.initializer.map((t) => t.dims)).toEqual(other.graph!.initializer.map((t) => t.dims));
  expect({ ...read, graph: undefined }).toEqual({ ...other, graph: undefined });
});
