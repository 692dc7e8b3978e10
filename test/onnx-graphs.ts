// Small ONNX files for tests: nodes as [operation, inputs, output, attributes], and the weights.
import { create, toBinary } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
} from "onnx-buf";
import { bytesOf, type DType, type Tensor } from "../src/core/index.ts";
import { onnxTypes } from "../src/graph/index.ts";

export type NodeSpec = readonly [
  op: string,
  inputs: readonly string[],
  output: string,
  attributes?: Readonly<Record<string, number | readonly number[]>>,
];

/** A model whose input `x` takes samples of a shape and whose output is `y`; a node is named after its output. */
export function graphBytes(
  nodes: readonly NodeSpec[],
  weights: ReadonlyMap<string, Tensor>,
  sample: readonly number[],
  dtype: DType = "float32",
): Uint8Array {
  const port = (name: string, dims?: readonly (number | string)[]) => {
    const shape = dims && create(TensorShapeProtoSchema, { dim: dims.map(dimension) });
    const value = create(TypeProto_TensorSchema, { elemType: onnxTypes[dtype], shape });
    return create(ValueInfoProtoSchema, {
      name,
      type: create(TypeProtoSchema, { value: { case: "tensorType", value } }),
    });
  };
  const dimension = (n: number | string) =>
    create(TensorShapeProto_DimensionSchema, {
      value: typeof n === "number" ? { case: "dimValue", value: BigInt(n) } : { case: "dimParam", value: n },
    });
  const graph = create(GraphProtoSchema, {
    name: "test",
    node: nodes.map(([opType, input, output, attributes = {}]) =>
      create(NodeProtoSchema, {
        name: output,
        opType,
        input: [...input],
        output: [output],
        attribute: Object.entries(attributes).map(([name, value]) =>
          typeof value === "number"
            ? create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INT, i: BigInt(value) })
            : create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INTS, ints: value.map(BigInt) }),
        ),
      }),
    ),
    initializer: [...weights].map(([name, tensor]) =>
      create(TensorProtoSchema, {
        name,
        dataType: onnxTypes[tensor.dtype],
        dims: tensor.shape.map(BigInt),
        rawData: new Uint8Array(bytesOf(tensor)),
      }),
    ),
    input: [port("x", ["n", ...sample])],
    output: [port("y")],
  });
  const opsetImport = [create(OperatorSetIdProtoSchema, { version: 18n })];
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 9n, graph, opsetImport }));
}
