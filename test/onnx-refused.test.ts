// Graphs that cannot be measured: saved without their weights, or newer than the runtime. Each is refused in a sentence
// with advice.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type ModelProto, ModelProtoSchema } from "onnx-buf";
import { beforeAll, describe, expect, it } from "vitest";
import { measure } from "../src/connectivity/index.ts";
import { tensor } from "../src/core/index.ts";
import { compareFiles } from "../src/distance/index.ts";
import { merge } from "../src/merging/index.ts";
import { cannotRun } from "../src/pairs/index.ts";
import { temporaryFolder, writeTensors } from "./checkpoints.ts";
import { graphBytes, type NodeSpec, randomTensor, valueInfo } from "./onnx-graphs.ts";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const nodes: NodeSpec[] = [
  ["MatMul", ["x", "fc.weight"], "h"],
  ["Add", ["h", "fc.bias"], "y"],
];
const weights = new Map([
  ["fc.weight", randomTensor("w", [4, 3])],
  ["fc.bias", randomTensor("b", [3])],
]);

function write(name: string, change: (model: ModelProto) => void): string {
  const model = fromBinary(ModelProtoSchema, graphBytes(nodes, weights, [4]));
  change(model);
  writeFileSync(at(name), toBinary(ModelProtoSchema, model));
  return at(name);
}

/** Like export_params=False of PyTorch's older exporter: the weights are inputs. */
function makeInputs({ graph }: ModelProto): void {
  graph!.input.push(...graph!.initializer.map(({ name, dims }) => valueInfo(name, dims)));
  graph!.initializer = [];
}

beforeAll(async () => {
  const labels = tensor("int64", [6], [0, 1, 2, 0, 1, 2]);
  await writeTensors(
    at("data.npz"),
    "npz",
    new Map([
      ["x", randomTensor("x", [6, 4])],
      ["labels", labels],
    ]),
  );
  await writeTensors(at("a.pt"), "torch", weights);
});

const measuring = (a: string, model: { name?: string } = {}) =>
  measure({ a, b: a, model, data: { name: `npz:${at("data.npz")}` }, scans: ["full"] });

describe("a graph without its weights", () => {
  it.each<[string, (model: ModelProto) => void, string]>([
    ["which are inputs", makeInputs, "contains a graph whose weights are inputs: fc.weight, fc.bias. Export"],
    [
      "which are nowhere",
      ({ graph }) => {
        graph!.initializer = [];
      },
      "contains a graph without the tensors that it uses: fc.weight, fc.bias. Export it again with its weights (PyTorch: export",
    ],
  ])("%s", async (name, change, sentence) => {
    const path = write(`${name}.onnx`, change);
    await expect(measuring(path)).rejects.toThrow(`${path} ${sentence}`);
    await expect(measuring(at("a.pt"), { name: path })).rejects.toThrow(`${path} ${sentence}`);
    await expect(compareFiles(path, path)).rejects.toThrow(`${path} ${sentence}`);
    await expect(merge({ a: path, b: path, out: at("m.onnx") })).rejects.toThrow(`${path} ${sentence}`);
  });
});

describe("a graph that is newer than the runtime", () => {
  it.each<[string, (model: ModelProto) => void, RegExp]>([
    [
      "by its IR version",
      (model) => {
        model.irVersion = 30n;
      },
      /cannot run \S+by its IR version\.onnx: its IR version is 30, but the newest supported one is \d+. In Python, set model.ir_version = \d+, and/,
    ],
    [
      "by its operator set",
      (model) => {
        model.opsetImport[0].version = 99n;
      },
      /cannot run \S+by its operator set\.onnx: it uses operator set 99 of ai.onnx, but the newest supported one is \d+. Export it with opset_version=\d+, or/,
    ],
  ])("%s", async (name, change, sentence) => {
    await expect(measuring(write(`${name}.onnx`, change))).rejects.toThrow(sentence);
  });

  it("is refused without a position in the runtime's source", () => {
    const raw =
      "/onnxruntime_src/onnxruntime/core/graph/model.cc:202 onnxruntime::Model::Model(onnx::ModelProto&&, int) Bad node";
    const network = { path: "m.onnx", parameters: [] };
    expect((cannotRun(new Error(raw), "npz:x.npz", network, { size: 6, samples: 6 }) as Error).message).toBe(
      "ONNX Runtime cannot run m.onnx on samples of npz:x.npz: Bad node. Check the model and the data.",
    );
  });
});

describe("a graph that the runtime refuses", () => {
  /** A Reshape in the middle to [batch,4], as PyTorch traces x.view(x.shape[0], -1). */
  const baked = (batch: number): string => {
    const inner: NodeSpec[] = [
      ["Reshape", ["x", "sizes"], "r"],
      ["MatMul", ["r", "fc.weight"], "h"],
      ["Add", ["h", "fc.bias"], "y"],
    ];
    const held = new Map([...weights, ["sizes", tensor("int64", [2], [batch, 4])] as const]);
    writeFileSync(at(`baked${batch}.onnx`), graphBytes(inner, held, [4]));
    return at(`baked${batch}.onnx`);
  };

  it.each([1, 3])("because of a fixed batch of %d inside names the batch", async (batch) => {
    const path = baked(batch);
    await expect(measuring(path)).rejects.toThrow(
      `ONNX Runtime cannot run ${path}: a Reshape in it expects [${batch},4], but gets [6,4]: it was exported for a batch of ${batch}. Use --batch ${batch}, or export it again with a free batch axis.`,
    );
    const { document } = await measure({
      ...{ a: path, b: path, model: {}, scans: ["full"], batch },
      data: { name: `npz:${at("data.npz")}` },
    });
    expect(document.ends.a.loss).toBeGreaterThan(0);
  });

  it("because of an unsupported operation names the operation", async () => {
    const path = write("lacks.onnx", ({ graph }) => {
      graph!.node[1].opType = "EfficientNMS_TRT";
      graph!.node[1].domain = "TRT"; // which is not imported
    });
    await expect(measuring(path)).rejects.toThrow(
      `ONNX Runtime cannot run ${path}: it does not support the operation EfficientNMS_TRT of domain TRT. Export the model without it`,
    );
  });

  const sentenceOf = (raw: string, size = 6) =>
    (cannotRun(new Error(raw), "npz:x.npz", { path: "m.onnx", parameters: [] }, { size, samples: 12 }) as Error)
      .message;

  it.each([
    [
      "Node (Equal~126) Op (Equal) [ShapeInferenceError] Incompatible dimensions",
      "ONNX Runtime cannot run m.onnx: its scores do not have a row for each of 6 samples. A graph exported for one batch size runs only with that size: try --batch 1, or export it again with a free batch axis. Otherwise check the shapes of the samples.",
    ],
    [
      "Non-zero status code returned while running Gather node. Name:'Gather~12' Status Message: /onnxruntime_src/onnxruntime/core/providers/cpu/tensor/gather.cc:154 onnxruntime::common::Status onnxruntime::GatherCopyData(const onnxruntime::TensorShape&, int) Indices element out of data bounds, idx=9 must be within the inclusive range [-4,3]",
      "ONNX Runtime cannot run m.onnx: the index 9 at its operation Gather is outside 0 to 3. Check the numbers in the data that are used as indices, such as token ids.",
    ],
    [
      "Non-zero status code returned while running Gather node. Name:'Gather~12' Status Message: Indices element out of data bounds, idx=9 must be within the inclusive range [-6,5]",
      "ONNX Runtime cannot run m.onnx: the index 9 at its operation Gather is beyond a batch of 6. Samples that refer to each other, as the nodes of a graph do, must be evaluated together: use --batch 12.",
    ],
    [
      "Non-zero status code returned while running Add node. Name:'Add~3' Status Message: /a/onnxruntime/core/math/element_wise_ops.h:540 void onnxruntime::BroadcastIterator::Init(ptrdiff_t, ptrdiff_t) axis == 1 || axis == largest was false. Attempting to broadcast an axis by a dimension other than 1. 6 by 4",
      "ONNX Runtime cannot run m.onnx: the shapes at its operation Add do not fit (axes of 6 and 4). If it was exported for a batch of 4: use --batch 4, or export it again with a free batch axis. Otherwise check the shapes of the samples.",
    ],
    [
      "Non-zero status code returned while running Where node. Name:'Where~3' Status Message: Attempting to broadcast an axis by a dimension other than 1. 21 by 24",
      "ONNX Runtime cannot run m.onnx: the shapes at its operation Where do not fit (axes of 21 and 24). If a size depends on the other samples of a batch, such as the longest of their lengths, use a larger --batch, up to 12. Otherwise check the shapes of the samples.",
    ],
    [
      "Non-zero status code returned while running Reshape node. Name:'Reshape~3' Status Message: The input tensor cannot be reshaped to the requested shape. Input shape:{6,21,2}, requested shape:{6,24,2}",
      "ONNX Runtime cannot run m.onnx: a Reshape in it expects [6,24,2], but gets [6,21,2]. If a size depends on the other samples of a batch, such as the longest of their lengths, use a larger --batch, up to 12. Otherwise check the shapes of the samples.",
    ],
    [
      "Non-zero status code returned while running Add node. Name:'Add~3' Status Message: Attempting to broadcast an axis by a dimension other than 1. 60 by 20",
      "ONNX Runtime cannot run m.onnx: the shapes at its operation Add do not fit (axes of 60 and 20). A graph exported for one batch size runs only with that size: try --batch 1, or export it again with a free batch axis. Otherwise check the shapes of the samples.",
    ],
    [
      "Fatal error: com.microsoft:Foo(-1) is not a registered function/op",
      "ONNX Runtime cannot run m.onnx: it does not support the operation Foo of domain com.microsoft. Export the model without it: only up to the scores, or with standard ONNX operations.",
    ],
    [
      "No Op registered for Foo with domain_version of 17",
      "ONNX Runtime cannot run m.onnx: it does not support the operation Foo. Export the model without it: only up to the scores, or with standard ONNX operations.",
    ],
    [
      "Could not find an implementation for ConvInteger(10) node with name 'ConvInteger~3'",
      "ONNX Runtime cannot run m.onnx: it does not support ConvInteger with these types on this device. Export the model with other types there, such as float32.",
    ],
  ])("turns %s into a sentence about the user's file", (raw, sentence) => {
    expect(sentenceOf(raw)).toBe(sentence);
  });

  it("is not advised to take the batch that it had", () => {
    const raw = "Node (Equal~126) Op (Equal) [ShapeInferenceError] Incompatible dimensions";
    expect(sentenceOf(raw, 1)).not.toContain("--batch");
  });
});
