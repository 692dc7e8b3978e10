// Small ONNX files for tests: nodes as [operation, inputs, output, attributes] and weights; one network with its batch
// normalisations kept or folded; and the measurement of two state dicts on a graph.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
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
import { expect } from "vitest";
import { type MeasureOptions, measure, parseScans } from "../src/connectivity/index.ts";
import {
  bytesOf,
  type DType,
  fromNumbers,
  randomStream,
  sizeOf,
  type Tensor,
  tensor,
  toNumbers,
} from "../src/core/index.ts";
import { onnxTypes } from "../src/graph/index.ts";
import { temporaryFolder, writeTensors } from "./checkpoints.ts";

export type NodeSpec = readonly [
  op: string,
  inputs: readonly string[],
  output: string, // or several, with commas between them
  attributes?: Readonly<Record<string, number | string | readonly number[]>>,
];

/** An input or output of a graph; its sizes are numbers, or names where they are free, and unknown without `dims`. */
export function valueInfo(name: string, dims?: readonly (number | bigint | string)[], dtype: DType = "float32") {
  const dim = dims?.map((size) =>
    create(TensorShapeProto_DimensionSchema, {
      value: typeof size === "string" ? { case: "dimParam", value: size } : { case: "dimValue", value: BigInt(size) },
    }),
  );
  const shape = dim && create(TensorShapeProtoSchema, { dim });
  const value = create(TypeProto_TensorSchema, { elemType: onnxTypes[dtype], shape });
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: "tensorType", value } }),
  });
}

/** A model whose input `x` takes samples of a shape and whose output is `y`; a node is named after its output. */
export function graphBytes(
  nodes: readonly NodeSpec[],
  weights: ReadonlyMap<string, Tensor>,
  sample: readonly (number | string)[],
  dtype: DType = "float32",
  batch: number | string = "n",
): Uint8Array {
  const graph = create(GraphProtoSchema, {
    name: "test",
    node: nodes.map(([opType, input, output, attributes = {}]) =>
      create(NodeProtoSchema, {
        name: output,
        opType,
        input: [...input],
        output: output.split(","),
        attribute: Object.entries(attributes).map(([name, value]) =>
          typeof value === "string"
            ? create(AttributeProtoSchema, {
                name,
                type: AttributeProto_AttributeType.STRING,
                s: new TextEncoder().encode(value),
              })
            : typeof value === "number"
              ? create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INT, i: BigInt(value) })
              : create(AttributeProtoSchema, {
                  name,
                  type: AttributeProto_AttributeType.INTS,
                  ints: value.map(BigInt),
                }),
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
    input: [valueInfo("x", [batch, ...sample], dtype)],
    output: [valueInfo("y", undefined, dtype)],
  });
  const opsetImport = [create(OperatorSetIdProtoSchema, { version: 18n })];
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 9n, graph, opsetImport }));
}

export type Weights = Map<string, Tensor>;

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
export const channels = 3;

/** The cross-entropy of one sample's logits, in nats. */
export function crossEntropyOf(logits: readonly number[], label: number): number {
  const top = Math.max(...logits);
  return Math.log(logits.reduce((sum, z) => sum + Math.exp(z - top), 0)) + top - logits[label];
}

export function randomTensor(seed: string, shape: readonly number[], from = -1, to = 1): Tensor {
  const random = randomStream(1, seed);
  return tensor(
    "float32",
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => from + (to - from) * random.uniform()),
  );
}

/** A normalisation: as a network begins with, or a trained one. */
export function normOf(name: string, seed: string, isFresh: boolean): [string, Tensor][] {
  const part = (part: string, fresh: number, from: number, to: number): [string, Tensor] => [
    `${name}.${part}`,
    isFresh
      ? tensor("float32", [channels], Array(channels).fill(fresh))
      : randomTensor(`${seed}${name}${part}`, [channels], from, to),
  ];
  return [
    part("weight", 1, 0.4, 2),
    part("bias", 0, -1, 1),
    part("running_mean", 0, -1, 1),
    part("running_var", 1, 0.1, 3),
  ];
}

/** Two convolutions with a normalisation each, and a linear layer; in the order of the modules. */
export function network(seed: string, isFresh = false, hasBias = false): Weights {
  const weight = (name: string, ...shape: number[]): [string, Tensor] => [name, randomTensor(seed + name, shape)];
  return new Map([
    weight("conv1.weight", channels, 2, 3, 3),
    ...(hasBias ? [weight("conv1.bias", channels)] : []),
    ...normOf("bn1", seed, isFresh),
    weight("conv2.weight", channels, channels, 3, 3),
    ...(hasBias ? [weight("conv2.bias", channels)] : []),
    ...normOf("bn2", seed, isFresh),
    weight("fc.weight", 4, channels),
    weight("fc.bias", 4),
  ]);
}

const conv = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };
const head: NodeSpec[] = [
  ["GlobalAveragePool", ["r"], "p"],
  ["Flatten", ["p"], "q"],
  ["Gemm", ["q", "fc.weight", "fc.bias"], "y", { transB: 1 }],
];

/** The graph with its normalisations. */
export function keptGraph(weights: Weights, dtype: DType = "float32"): Uint8Array {
  const bias = (name: string) => (weights.has(name) ? [name] : []);
  const norm = (name: string) => ["weight", "bias", "running_mean", "running_var"].map((part) => `${name}.${part}`);
  const nodes: NodeSpec[] = [
    ["Conv", ["x", "conv1.weight", ...bias("conv1.bias")], "c", conv],
    ["BatchNormalization", ["c", ...norm("bn1")], "d"],
    ["Tanh", ["d"], "e"],
    ["Conv", ["e", "conv2.weight", ...bias("conv2.bias")], "f", conv],
    ["BatchNormalization", ["f", ...norm("bn2")], "g"],
    ["Tanh", ["g"], "r"],
    ...head,
  ];
  return graphBytes(nodes, inType(weights, dtype), [2, 4, 4], dtype);
}

export const inType = (weights: Weights, dtype: DType): Weights =>
  new Map([...weights].map(([name, one]) => [name, fromNumbers(dtype, one.shape, toNumbers(one))]));

/** The names that an exporter gives to the weight and bias of a convolution with its normalisation folded in. */
export type Names = (convolution: string) => readonly [string, string];

export const generated: Names = (name) => [`onnx::Conv_${name}0`, `onnx::Conv_${name}1`];

/** The graph with its normalisations folded; `change` may edit the weights. */
export function foldedGraph(
  weights: Weights,
  names: Names,
  change: (folded: Weights) => void = () => {},
  dtype: DType = "float32",
): Uint8Array {
  const nodes: NodeSpec[] = [
    ["Conv", ["x", ...names("conv1")], "/conv1/Conv", conv],
    ["Tanh", ["/conv1/Conv"], "e"],
    ["Conv", ["e", ...names("conv2")], "/conv2/Conv", conv],
    ["Tanh", ["/conv2/Conv"], "r"],
    ...head,
  ];
  const folded: Weights = new Map([...weights].filter(([name]) => name.startsWith("fc")));
  for (const i of [1, 2]) {
    const [weight, bias] = names(`conv${i}`);
    const values = (name: string) => toNumbers(weights.get(name) ?? tensor("float32", [channels]));
    const scale = values(`bn${i}.weight`).map((g, c) => g / Math.sqrt(values(`bn${i}.running_var`)[c] + 1e-5));
    const { shape } = weights.get(`conv${i}.weight`)!;
    const block = sizeOf(shape) / channels;
    const w = values(`conv${i}.weight`).map((x, at) => x * scale[Math.floor(at / block)]);
    const shifted = values(`bn${i}.bias`).map(
      (x, c) => x + (values(`conv${i}.bias`)[c] - values(`bn${i}.running_mean`)[c]) * scale[c],
    );
    folded.set(weight, tensor("float32", shape, w));
    folded.set(bias, tensor("float32", [channels], shifted));
  }
  change(folded);
  return graphBytes(nodes, inType(folded, dtype), [2, 4, 4], dtype);
}

let count = 0;

/** Measures two state dicts on a graph. */
export async function measured(
  graph: Uint8Array,
  [a, b]: readonly [Weights, Weights],
  scans = "single,full",
  statistics?: MeasureOptions["statistics"],
) {
  const stem = at(`case${count++}`);
  writeFileSync(`${stem}.onnx`, graph);
  await writeTensors(`${stem}a.npz`, "npz", a);
  await writeTensors(`${stem}b.npz`, "npz", b);
  const { document } = await measure({
    a: `${stem}a.npz`,
    b: `${stem}b.npz`,
    model: { name: `${stem}.onnx` },
    data: { name: `npz:${at("data.npz")}` },
    scans: parseScans(scans),
    statistics,
  });
  return document;
}

/** Expects the ends and barriers of two graphs to be the same, whatever their layers' order. */
export async function expectSame(
  graph: Uint8Array,
  kept: Uint8Array,
  ends: readonly [Weights, Weights],
  digits = 5,
): Promise<string> {
  const [found, truth] = [await measured(graph, ends), await measured(kept, ends)];
  for (const end of ["a", "b"] as const) expect(found.ends[end].loss).toBeCloseTo(truth.ends[end].loss!, digits);
  expect(found.cells).toHaveLength(truth.cells.length);
  for (const { layer, base, loss } of truth.cells) {
    const cell = found.cells.find((one) => one.layer === layer && one.base === base)!;
    expect(cell.loss!.value, `${layer} on ${base}`).toBeCloseTo(loss!.value!, digits);
  }
  return (found.notes ?? []).join(" ");
}

export const sorted = (weights: Weights): Weights => new Map([...weights].sort(([x], [y]) => (x < y ? -1 : 1)));

/** The samples that graphs are measured on. */
export async function writeSamples(): Promise<void> {
  const labels = tensor(
    "int64",
    [30],
    Array.from({ length: 30 }, (_, i) => i % 4),
  );
  const x = randomTensor("x", [30, 2, 4, 4], -3, 3);
  await writeTensors(
    at("data.npz"),
    "npz",
    new Map([
      ["x", x],
      ["labels", labels],
    ]),
  );
}
