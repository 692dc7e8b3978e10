// What tests of checkpoint files share: a temporary folder, tensors of every kind, files written and read in one call.
import { mkdtempSync, writeFileSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import {
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  TensorProtoSchema,
} from "onnx-buf";
import { writeZip } from "../src/checkpoints/archive/zip-writer.ts";
import { type Format, openCheckpoint, readAll, writeCheckpoint } from "../src/checkpoints/index.ts";
import { openOutput } from "../src/checkpoints/writing/output.ts";
import {
  bytesOf,
  bytesPerElement,
  dtypes,
  sizeOf,
  type Tensor,
  tensor,
  tensorFromBytes,
  UserError,
} from "../src/core/index.ts";
import { onnxTypes } from "../src/graph/index.ts";

/** Formats that can be written. */
export const formats: readonly Exclude<Format, "onnx">[] = ["safetensors", "torch", "npz"];

/** A new folder; temporary.ts removes it when the tests end. */
export const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), "layerwise-test-"));

/** Names that are whole numbers are left out: the order of a JSON object's keys is not the file's for those. */
const anyName = fc.string({ minLength: 1, maxLength: 12, unit: "binary" }).filter((name) => !/^\d+$/.test(name));

/** Tensors of any dtype, shape (scalars and empty ones too) and bit pattern, under any names. */
export const anyTensors: fc.Arbitrary<Map<string, Tensor>> = fc
  .uniqueArray(anyName, { maxLength: 6 })
  .chain((names) => fc.tuple(...names.map((name) => fc.tuple(fc.constant(name), fc.noShrink(anyTensor())))))
  .map((entries) => new Map(entries));

function anyTensor(): fc.Arbitrary<Tensor> {
  const shapes = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 });
  return fc.tuple(fc.constantFrom(...dtypes), shapes).chain(([dtype, shape]) => {
    const length = sizeOf(shape) * bytesPerElement(dtype);
    return fc
      .uint8Array({ minLength: length, maxLength: length, max: dtype === "bool" ? 1 : 255 })
      .map((bytes) => tensorFromBytes(dtype, shape, bytes));
  });
}

export async function writeTensors(
  path: string,
  format: Exclude<Format, "onnx">,
  tensors: ReadonlyMap<string, Tensor>,
  metadata?: Record<string, string>,
): Promise<void> {
  const infos = [...tensors].map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
  await writeCheckpoint(path, format, infos, async (name) => tensors.get(name)!, metadata);
}

/** Writes tensors to a file of its own and returns its path. */
export async function writeNew(
  tensors: Record<string, Tensor>,
  format: Exclude<Format, "onnx"> = "safetensors",
): Promise<string> {
  const path = join(temporaryFolder(), `tensors.${format}`);
  await writeTensors(path, format, new Map(Object.entries(tensors)));
  return path;
}

/** Opens a file, or bytes put into `path` first, and reads all of it. */
export async function readTensors(path: string, bytes?: Uint8Array): Promise<Map<string, Tensor>> {
  if (bytes) writeFileSync(path, bytes);
  const checkpoint = await openCheckpoint(path);
  try {
    return await readAll(checkpoint);
  } finally {
    await checkpoint.close();
  }
}

/** Tensors in a form that `toEqual` compares to the last bit, names in order. */
export function plain(tensors: ReadonlyMap<string, Tensor>): [string, string, readonly number[], string][] {
  return [...tensors].map(([name, tensor]) => [
    name,
    tensor.dtype,
    tensor.shape,
    Buffer.from(bytesOf(tensor)).toString("hex"),
  ]);
}

/** An ONNX model of initialisers, raw, and of nodes, or of one that uses none of them. */
export function onnxBytes(
  tensors: ReadonlyMap<string, Tensor>,
  nodes: readonly MessageInitShape<typeof NodeProtoSchema>[] = [{ opType: "Relu", input: ["x"], output: ["y"] }],
): Uint8Array {
  const initializer = [...tensors].map(([name, tensor]) => onnxTensor(name, tensor));
  const node = nodes.map((one) => create(NodeProtoSchema, one));
  const opsetImport = [create(OperatorSetIdProtoSchema, { version: 17n })];
  const graph = create(GraphProtoSchema, { name: "test", node, initializer, input: [{ name: "x" }] });
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, { irVersion: 8n, producerName: "test", graph, opsetImport }),
  );
}

/** A tensor as ONNX has it, raw. */
export const onnxTensor = (name: string, tensor: Tensor) =>
  create(TensorProtoSchema, {
    name,
    dataType: onnxTypes[tensor.dtype],
    dims: tensor.shape.map(BigInt),
    rawData: new Uint8Array(bytesOf(tensor)),
  });

/** A zip archive of stored members. `limit` as {@link writeZip} takes it. */
export async function zipOf(
  members: Readonly<Record<string, Uint8Array | string>>,
  limit?: number,
): Promise<Uint8Array> {
  let bytes = Buffer.alloc(0);
  const write = async (piece: Uint8Array, from: number, length: number, at: number) => {
    if (at + length > bytes.length) bytes = Buffer.concat([bytes, Buffer.alloc(at + length - bytes.length)]);
    bytes.set(piece.subarray(from, from + length), at);
    return { bytesWritten: length, buffer: piece };
  };
  const output = openOutput({ write } as Pick<FileHandle, "write">);
  const zip = writeZip(output, limit);
  for (const [name, content] of Object.entries(members)) await zip.add(name, Buffer.from(content));
  await zip.finish();
  await output.flush();
  return bytes;
}

/**
 * The sentence a file is refused with, its folder left out; fails when it is not refused, or not by a {@link
 * UserError}.
 */
export async function refusal(path: string, bytes?: Uint8Array): Promise<string> {
  const error: unknown = await readTensors(path, bytes).then(
    () => new Error(`${path} was read`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof UserError)) throw error;
  return error.message.replaceAll(`${dirname(path)}/`, "");
}

/** A network of one layer, fc, under a prefix, and more tensors. */
export const oneLayer = (value: number, prefix = "", more: Record<string, Tensor> = {}) =>
  new Map([
    [`${prefix}fc.weight`, tensor("float32", [2, 2], [value, value, value, value])],
    [`${prefix}fc.bias`, tensor("float32", [2], [value, -value])],
    ...Object.entries(more),
  ]);

/** The numbers in a file under its own names. */
export async function storedNumbers(path: string): Promise<Record<string, number[]>> {
  const file = await openCheckpoint(path, { asStored: true });
  const all = await readAll(file).finally(() => file.close());
  return Object.fromEntries([...all].map(([name, { data }]) => [name, [...data].map(Number)]));
}
