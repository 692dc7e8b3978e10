// Pairs of ONNX files whose inputs and outputs are declared, measured on arrays.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, OperatorSetIdProtoSchema } from "onnx-buf";
import { type MeasureOptions, measure } from "../src/connectivity/index.ts";
import type { DType, Tensor } from "../src/core/index.ts";
import { temporaryFolder, writeTensors } from "./checkpoints.ts";
import { graphBytes, type NodeSpec, valueInfo } from "./onnx-graphs.ts";

/** Where all their files are, numbered in turn. */
export const folder = temporaryFolder();
let files = 0;

export type Ports = Readonly<Record<string, readonly (number | string)[]>>;

export interface DeclaredNetwork {
  readonly nodes: readonly NodeSpec[];
  /** Of an end, `a` or `b`. */
  readonly weights: (end: string) => ReadonlyMap<string, Tensor>;
  readonly inputs: Ports;
  readonly outputs: Ports;
  /** Default float32. */
  readonly types?: Readonly<Record<string, DType>>;
  readonly opset?: number;
}

/** Writes both ends of a network. */
export function writeEnds(network: DeclaredNetwork): { a: string; b: string } {
  const { nodes, weights, inputs, outputs, types = {}, opset = 13 } = network;
  const port = ([name, sizes]: [string, readonly (number | string)[]]) => valueInfo(name, sizes, types[name]);
  const [a, b] = ["a", "b"].map((end) => {
    const model = fromBinary(ModelProtoSchema, graphBytes(nodes, weights(end), []));
    model.opsetImport = [create(OperatorSetIdProtoSchema, { version: BigInt(opset) })];
    model.graph!.input = Object.entries(inputs).map(port);
    model.graph!.output = Object.entries(outputs).map(port);
    const path = join(folder, `${files++}.onnx`);
    writeFileSync(path, toBinary(ModelProtoSchema, model));
    return path;
  });
  return { a, b };
}

/** Measures two ends on arrays. */
export async function measured(
  ends: { a: string; b: string },
  arrays: Readonly<Record<string, Tensor>>,
  options: Partial<MeasureOptions> = {},
) {
  const path = join(folder, `${files++}.npz`);
  await writeTensors(path, "npz", new Map(Object.entries(arrays)));
  return measure({ ...ends, model: {}, data: { name: `npz:${path}` }, scans: ["full"], ...options });
}

/** The error that a measurement ends with, the folder as F. */
export const refusal = async (...given: Parameters<typeof measured>): Promise<string> =>
  measured(...given).then(
    () => "",
    (error: Error) => error.message.replaceAll(folder, "F"),
  );
