// Writes an ONNX model and copies its weights only once. protobuf's writer grows its buffer by copying, which is slow
// for a model's weights.
import { create, toBinary } from "@bufbuild/protobuf";
import {
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from "onnx-buf";

/** Tags of length-delimited fields: the field's number times eight, plus two. */
const tags = { graph: (7 << 3) | 2, initialiser: (5 << 3) | 2, rawData: (9 << 3) | 2 };
/** Size in bytes from which a tensor is written here. */
const fewest = 1 << 12;

/**
 * The bytes of a model. They differ from protobuf's only in order: the graph is last in the model, large weights last
 * in the graph.
 */
export function bytesOfModel(model: ModelProto, graph: GraphProto): Uint8Array {
  const isLarge = ({ rawData }: TensorProto) => (rawData?.length ?? 0) >= fewest;
  const initializer = graph.initializer.filter((tensor) => !isLarge(tensor));
  const parts = [toBinary(GraphProtoSchema, create(GraphProtoSchema, { ...graph, initializer }))];
  for (const { $typeName: _, rawData: raw, ...rest } of graph.initializer.filter(isLarge)) {
    const described = toBinary(TensorProtoSchema, create(TensorProtoSchema, rest));
    const before = [...described, tags.rawData, ...varint(raw.length)];
    parts.push(Uint8Array.of(tags.initialiser, ...varint(before.length + raw.length), ...before), raw);
  }
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return join([toBinary(ModelProtoSchema, model), Uint8Array.of(tags.graph, ...varint(length)), ...parts]);
}

/** An integer in protobuf's encoding: seven bits per byte, the lowest first. */
function varint(value: number): number[] {
  const bytes = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return [...bytes, rest];
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
