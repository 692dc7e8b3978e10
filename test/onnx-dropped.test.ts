// Two ONNX files of one network of which only one has a bias: exporters drop biases of zeros. They count as zeros.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
} from "onnx-buf";
import { beforeAll, describe, expect, it } from "vitest";
import { measure, parseScans } from "../src/connectivity/index.ts";
import { tensor, toNumbers } from "../src/core/index.ts";
import { compareFiles } from "../src/distance/index.ts";
import { merge } from "../src/merging/index.ts";
import { readTensors, temporaryFolder, writeTensors } from "./checkpoints.ts";
import { graphBytes, type NodeSpec, randomTensor, valueInfo, type Weights } from "./onnx-graphs.ts";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  const labels = tensor(
    "int64",
    [20],
    [...Array(20).keys()].map((i) => i % 4),
  );
  await writeTensors(
    at("data.npz"),
    "npz",
    new Map([
      ["x", randomTensor("x", [20, 3, 4, 4], -2, 2)],
      ["labels", labels],
    ]),
  );
});

/** An operation after the input, the shapes of its weight and bias, and the number of features that it makes. */
interface Case {
  readonly op: string;
  readonly weight: readonly number[];
  readonly bias: readonly number[];
  readonly features: number;
  readonly nodes: (inputs: readonly string[]) => NodeSpec[];
}

const cases: readonly Case[] = [
  {
    op: "Gemm",
    weight: [48, 5],
    bias: [5],
    features: 5,
    nodes: (inputs) => [
      ["Flatten", ["x"], "f"],
      ["Gemm", ["f", ...inputs], "h"],
    ],
  },
  { op: "Conv", weight: [2, 3, 4, 4], bias: [2], features: 2, nodes: (inputs) => [["Conv", ["x", ...inputs], "h"]] },
  {
    op: "ConvTranspose",
    weight: [3, 2, 1, 1],
    bias: [2],
    features: 32,
    nodes: (inputs) => [["ConvTranspose", ["x", ...inputs], "h"]],
  },
  {
    op: "LayerNormalization",
    weight: [4],
    bias: [4],
    features: 48,
    nodes: (inputs) => [["LayerNormalization", ["x", ...inputs], "h"]],
  },
  {
    op: "LSTM",
    weight: [1, 20, 4],
    bias: [1, 40],
    features: 60,
    nodes: (inputs) => [
      ["Reshape", ["x", "by.step"], "s"],
      ["Transpose", ["s"], "t", { perm: [1, 0, 2] }],
      ["LSTM", ["t", inputs[0], "recurrent", ...inputs.slice(1)], "u", { hidden_size: 5 }],
      ["Transpose", ["u"], "h", { perm: [2, 0, 1, 3] }],
    ],
  },
];

/** Writes a file of a case; without `first` or `head`, it lacks that bias, and with "zeros" it has zeros. */
function write(
  name: string,
  { weight, bias, features, nodes }: Case,
  has: { first?: "trained" | "zeros"; head?: "trained" | "zeros" },
) {
  const biasOf = (stem: "first" | "head", shape: readonly number[]): [string, ReturnType<typeof tensor>][] =>
    has[stem]
      ? [[`${stem}.bias`, has[stem] === "zeros" ? tensor("float32", shape) : randomTensor(`${name}${stem}`, shape)]]
      : [];
  const [first, head] = [biasOf("first", bias), biasOf("head", [4])];
  const weights: Weights = new Map([
    ["first.weight", randomTensor(`${name}w`, weight)],
    ...first,
    ["head.weight", randomTensor(`${name}h`, [4, features])],
    ...head,
    ["recurrent", randomTensor("r", [1, 20, 5])],
    ["by.step", tensor("int64", [3], [-1, 12, 4])],
  ]);
  const all: NodeSpec[] = [
    ...nodes(["first.weight", ...first.map(([one]) => one)]),
    ["Flatten", ["h"], "flat"],
    ["Gemm", ["flat", "head.weight", ...head.map(([one]) => one)], "y", { transB: 1 }],
  ];
  const path = at(`${name}.onnx`);
  writeFileSync(path, graphBytes(all, weights, [3, 4, 4]));
  return path;
}

async function measured(a: string, b: string) {
  const { document } = await measure({
    a,
    b,
    model: {},
    data: { name: `npz:${at("data.npz")}` },
    scans: parseScans("single,full"),
  });
  const { ends, cells, layers, notes = [] } = document;
  const losses = cells.map(({ layer, base, loss }) => ({ layer, base, loss: loss?.value }));
  return { result: { losses, layers, ends: [ends.a.loss, ends.b.loss] }, notes: notes.join(" ") };
}

describe("a bias that only one of two files has", () => {
  it.each(cases)("counts as zeros: $op", async (one) => {
    // each file lacks a bias of the other
    const [a, b] = [write("a", one, { head: "trained" }), write("b", one, { first: "trained" })];
    const [found, distance] = [await measured(a, b), await compareFiles(a, b)];
    expect(found.notes).toContain(`${a} has no first.bias. Exporters drop biases of zeros, so it counts as zeros.`);
    expect(found.notes).toContain(`${b} has no head.bias. Exporters drop biases of zeros, so it counts as zeros.`);
    expect(distance.notes?.join(" ")).toBe(found.notes);
    write("a", one, { first: "zeros", head: "trained" });
    write("b", one, { first: "trained", head: "zeros" });
    const truth = await measured(a, b);
    expect(found.result).toEqual(truth.result);
    expect(truth.notes).toBe("");
    const { distance: wanted, layers } = await compareFiles(a, b);
    expect(distance).toMatchObject({ distance: wanted, layers });
  });

  it("is a parameter even if it is zeros in the other file, too", async () => {
    const [a, b] = [write("a", cases[0], {}), write("b", cases[0], { first: "zeros", head: "trained" })];
    const sizes = async () => (await compareFiles(a, b)).layers.map(({ name, size }) => [name, size]);
    const wanted = [
      ["first", 245],
      ["head", 24],
    ];
    expect(await sizes()).toEqual(wanted);
    write("a", cases[0], { first: "zeros", head: "zeros" });
    expect(await sizes()).toEqual(wanted);
  });

  it("also counts in the initialisation of both", async () => {
    const [one] = cases;
    const [a, b] = [write("a", one, { first: "trained" }), write("b", one, { first: "trained", head: "trained" })];
    const init = write("init", one, {});
    const found = await compareFiles(a, b, { init });
    write("init", one, { first: "zeros", head: "zeros" });
    expect(found.distance.from_init).toEqual((await compareFiles(a, b, { init })).distance.from_init);
    expect(found.notes).toContain(
      `${init} has no first.bias, head.bias. Exporters drop biases of zeros, so they count as zeros.`,
    );
  });

  it("is separate from an equal tensor that the other file stores with it", async () => {
    const writeTwo = (name: string, second: readonly string[], zeros = false) => {
      const nodes: NodeSpec[] = [
        ["Flatten", ["x"], "f"],
        ["Gemm", ["f", "first.weight", "first.bias"], "g"],
        ["Gemm", ["g", "head.weight", ...second], "y"],
      ];
      const bias = randomTensor(`${name}b`, [4]);
      const weights: Weights = new Map([
        ["first.weight", randomTensor(`${name}w`, [48, 4])],
        ["first.bias", bias],
        ["head.weight", randomTensor(`${name}h`, [4, 4])],
        ["head.bias", zeros ? tensor("float32", [4]) : bias],
      ]);
      const path = at(`${name}.onnx`);
      writeFileSync(path, graphBytes(nodes, weights, [3, 4, 4]));
      return path;
    };
    const [a, b] = [writeTwo("shared", ["first.bias"]), writeTwo("lacking", [])];
    const found = [await compareFiles(a, b), await compareFiles(b, a)];
    writeTwo("shared", ["head.bias"]);
    writeTwo("lacking", ["head.bias"], true);
    const { full } = (await compareFiles(a, b)).distance;
    for (const { distance } of found) expect(distance.full.euclidean).toBeCloseTo(full.euclidean, 6);
  });

  it("is refused in a subgraph, with another way", async () => {
    const within = (path: string) => {
      const model = fromBinary(ModelProtoSchema, readFileSync(path));
      const { graph } = model;
      const branch = create(GraphProtoSchema, { name: "branch", node: graph!.node, output: graph!.output });
      const attribute = ["then_branch", "else_branch"].map((name) =>
        create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.GRAPH, g: branch }),
      );
      graph!.node = [create(NodeProtoSchema, { opType: "If", name: "if", input: ["c"], output: ["y"], attribute })];
      graph!.input.push(valueInfo("c", [], "bool"));
      writeFileSync(path, toBinary(ModelProtoSchema, model));
      return path;
    };
    const [a, b] = [{ first: "trained" } as const, {}].map((has, i) => within(write(`within${i}`, cases[0], has)));
    const fault = "operation 1 (h) has an input 2 in one only. Exporters drop biases of zeros. Use the checkpoints";
    for (const [x, y] of [
      [a, b],
      [b, a],
    ])
      await expect(compareFiles(x, y)).rejects.toThrow(fault);
  });
});

it("refuses another input that only one file has", async () => {
  const clip = (name: string, limits: readonly string[]) => {
    const nodes: NodeSpec[] = [
      ["Mul", ["x", "scale.weight"], "m"],
      ["Clip", ["m", ...limits], "y"],
    ];
    const weights = new Map([
      ["scale.weight", randomTensor(name, [4])],
      ["low", tensor("float32", [], [0])],
    ]);
    writeFileSync(at(`${name}.onnx`), graphBytes(nodes, weights, [3, 4, 4]));
    return at(`${name}.onnx`);
  };
  await expect(compareFiles(clip("c", ["low"]), clip("d", []))).rejects.toThrow(
    "operation 1 (y) has an input 1 in one only. Export two checkpoints of one architecture in the same way.",
  );
});

describe("a merge with a bias that only one file has", () => {
  const [one] = cases;
  const out = at("merged.onnx");

  it("averages it with zeros if the first file has it", async () => {
    const [a, b] = [write("a", one, { first: "trained", head: "trained" }), write("b", one, {})];
    const { notes } = await merge({ a, b, out });
    expect(notes?.join(" ")).toContain(`${b} has no first.bias, head.bias.`);
    const [merged, own] = [await readTensors(out), await readTensors(a)];
    for (const name of ["first.bias", "head.bias"])
      expect(toNumbers(merged.get(name)!)).toEqual(toNumbers(own.get(name)!).map((x) => x / 2));
  });

  it("refuses to write it into a file that lacks it", async () => {
    const [a, b] = [write("a", one, { first: "trained" }), write("b", one, { first: "trained", head: "trained" })];
    const fault = `${a} has no head.bias, because exporters drop biases of zeros, so its copy cannot store the merged one.`;
    const way = "or merge the checkpoints that the graphs were exported from.";
    await expect(merge({ a, b, out })).rejects.toThrow(`${fault} Give ${b} first, ${way}`);
    // only where it changes
    await merge({ a, b, out, layers: ["first"] });
    expect([...(await readTensors(out)).keys()]).not.toContain("head.bias");
    await expect(merge({ a, b, out, layers: ["first"], base: "b" })).rejects.toThrow(fault);
    write("b", one, { head: "trained" });
    await expect(merge({ a, b, out })).rejects.toThrow(`${fault} Export both again after training, ${way}`);
  });
});
