// Reads tensors that are inside an ONNX model's messages: constants and sparse tensors.
import {
  type AttributeProto,
  type NodeProto,
  type SparseTensorProto,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProto_DataType,
} from "onnx-buf";
import { bytesPerElement, sizeOf, type Tensor, tensorFromBytes, toNumbers } from "../../core/index.ts";
import { dtypeOfOnnx } from "../ops/index.ts";

/** A constant node's tensor; undefined for strings, other unsupported types, and values from a function's attribute. */
export function constantOf({ attribute, output }: NodeProto): Tensor | undefined {
  const [one] = attribute;
  if (!one || one.refAttrName) return undefined;
  return ofAttribute(one, output[0]);
}

function ofAttribute({ name, t, sparseTensor, f, i, floats, ints }: AttributeProto, value: string): Tensor | undefined {
  if (name === "value" && t) return tensorOf(t, value);
  if (name === "sparse_value" && sparseTensor) return denseOf(sparseTensor, value);
  if (name === "value_float") return { dtype: "float32", shape: [], data: Float32Array.of(f) };
  if (name === "value_int") return { dtype: "int64", shape: [], data: BigInt64Array.of(i) };
  if (name === "value_floats") return { dtype: "float32", shape: [floats.length], data: Float32Array.from(floats) };
  if (name === "value_ints") return { dtype: "int64", shape: [ints.length], data: BigInt64Array.from(ints) };
  return undefined;
}

/**
 * The tensor of a message; undefined for an unsupported type. Throws where the elements are in another file, or their
 * number does not fit the shape.
 */
export function tensorOf(proto: TensorProto, name = proto.name): Tensor | undefined {
  const dtype = dtypeOfOnnx(proto.dataType);
  if (!dtype) return undefined;
  if (proto.dataLocation === TensorProto_DataLocation.EXTERNAL)
    throw new Error(`the elements of ${name}, which is not an initialiser, are in another file`);
  const shape = proto.dims.map(Number);
  const size = sizeOf(shape);
  const raw = proto.rawData;
  if (raw?.length) {
    if (raw.length !== size * bytesPerElement(dtype))
      throw new Error(`its constant ${name} has ${raw.length} bytes, but its shape is [${shape}]`);
    return tensorFromBytes(dtype, shape, new Uint8Array(raw));
  }
  const { floatData, doubleData, int64Data, uint64Data, int32Data } = proto;
  const filled = <T>(values: T[]): T[] => {
    if (values.length !== size)
      throw new Error(`its constant ${name} has ${values.length} elements, but its shape is [${shape}]`);
    return values;
  };
  if (dtype === "float32") return { dtype, shape, data: Float32Array.from(filled(floatData)) };
  if (dtype === "float64") return { dtype, shape, data: Float64Array.from(filled(doubleData)) };
  if (dtype === "int64") return { dtype, shape, data: BigInt64Array.from(filled(int64Data)) };
  if (dtype === "uint64") return { dtype, shape, data: BigUint64Array.from(filled(uint64Data)) };
  if (dtype === "uint32") return { dtype, shape, data: Uint32Array.from(filled(uint64Data), Number) };
  const bytes = new Uint8Array(size * bytesPerElement(dtype));
  const { data } = tensorFromBytes(dtype, shape, bytes);
  (data as Int32Array).set(filled(int32Data));
  return { dtype, shape, data };
}

/**
 * A sparse tensor as a dense one; undefined for an unsupported type. Its indices are positions among the elements [n],
 * or coordinates [n, rank]. Throws for a damaged one.
 */
export function denseOf({ values, indices, dims }: SparseTensorProto, name = values?.name ?? ""): Tensor | undefined {
  const found = values && tensorOf(values, name);
  const at = indices && tensorOf(indices, name);
  if (values && !found) return undefined;
  const shape = dims.map(Number);
  const size = sizeOf(shape);
  if (!found || !at || !(size <= 2 ** 31)) throw new Error(`its sparse tensor ${name} is incomplete`);
  const places = placesOf(at, shape);
  if (places.length !== found.data.length || places.some((place) => !(place >= 0 && place < size)))
    throw new Error(`its sparse tensor ${name} has indices that do not fit [${shape}]`);
  const dense = tensorFromBytes(found.dtype, shape, new Uint8Array(size * bytesPerElement(found.dtype)));
  places.forEach((place, i) => {
    dense.data[place] = found.data[i];
  });
  return dense;
}

function placesOf(at: Tensor, shape: readonly number[]): number[] {
  const numbers = toNumbers(at);
  if (at.shape.length < 2) return Array.from(numbers);
  const rank = shape.length;
  return Array.from({ length: at.shape[0] }, (_, i) =>
    shape.reduce((place, n, axis) => {
      const index = numbers[i * rank + axis];
      return index >= 0 && index < n ? place * n + index : Number.NaN;
    }, 0),
  );
}

/** ONNX's name of an unsupported type. */
export const nameOfType = (type: number): string => (TensorProto_DataType[type] ?? `type ${type}`).toLowerCase();

/** True for strings, such as the names of classes. */
export const isText = (type: number): boolean => type === TensorProto_DataType.STRING;
