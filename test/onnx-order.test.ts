// Exports of one network with nodes, inputs, outputs and initialisers in different orders, and different names of
// intermediate values: the weights are paired by their use. And weights that one of the files stores once, because they
// were equal.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType as A,
  type FunctionProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
} from "onnx-buf";
import { beforeAll, describe, expect, it } from "vitest";
import { measure, parseScans } from "../src/connectivity/index.ts";
import { randomStream, type Tensor, tensor, toNumbers } from "../src/core/index.ts";
import { compareFiles } from "../src/distance/index.ts";
import { merge } from "../src/merging/index.ts";
import { onnxTensor, readTensors, temporaryFolder, writeTensors } from "./checkpoints.ts";
import { randomTensor, valueInfo } from "./onnx-graphs.ts";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);

type NodeShape = MessageInitShape<typeof NodeProtoSchema>;
const node = (opType: string, input: string[], output: string[], more: NodeShape = {}) =>
  create(NodeProtoSchema, { opType, input, output, ...more });

interface Parts {
  readonly nodes: ReturnType<typeof node>[];
  readonly weights: ReadonlyMap<string, Tensor>;
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
  readonly functions?: MessageInitShape<typeof FunctionProtoSchema>[];
}

const opsetImport = ["", "local"].map((domain) =>
  create(OperatorSetIdProtoSchema, { domain, version: domain ? 1n : 17n }),
);

function write(name: string, { nodes, weights, inputs = ["x"], outputs = ["y"], functions = [] }: Parts): string {
  const graph = create(GraphProtoSchema, {
    name: "g",
    node: nodes,
    input: inputs.map((input) => valueInfo(input, ["n", 4])),
    output: outputs.map((output) => valueInfo(output)),
    initializer: [...weights].map(([one, value]) => onnxTensor(one, value)),
  });
  const model = create(ModelProtoSchema, { irVersion: 8n, graph, functions, opsetImport });
  writeFileSync(at(name), toBinary(ModelProtoSchema, model));
  return at(name);
}

const apart = (x: Tensor, y: Tensor) => Math.hypot(...toNumbers(x).map((value, i) => value - toNumbers(y)[i]));

/** The distances of two files by layer. */
async function distances(a: string, b: string): Promise<Record<string, number>> {
  const { distance } = await compareFiles(a, b);
  return Object.fromEntries(Object.entries(distance.layers).map(([name, { euclidean }]) => [name, euclidean]));
}

function expectNear(found: Readonly<Record<string, number>>, wanted: Readonly<Record<string, number>>): void {
  expect(Object.keys(found).sort()).toEqual(Object.keys(wanted).sort());
  for (const [name, value] of Object.entries(wanted)) expect(found[name], name).toBeCloseTo(value, 5);
}

/** Compares values, whatever the names of the layers. */
function expectSameValues(found: Readonly<Record<string, number>>, wanted: Readonly<Record<string, number>>): void {
  const [values, others] = [found, wanted].map((of) => Object.values(of).sort((x, y) => x - y));
  expect(values).toHaveLength(others.length);
  for (const [i, value] of others.entries()) expect(values[i]).toBeCloseTo(value, 5);
}

describe("two branches of one shape, and two heads", () => {
  const layers = ["one", "two", "up", "down"];
  const weightsOf = (seed: string, name = (layer: string) => `${layer}.weight`) =>
    new Map(layers.map((layer) => [name(layer), randomTensor(seed + layer, [4, 4])]));
  const nodesOf = (w: (layer: string) => string, v: (value: string) => string) => [
    node("MatMul", ["left", w("one")], [v("h1")]),
    node("Tanh", [v("h1")], [v("t1")]),
    node("MatMul", ["right", w("two")], [v("h2")]),
    node("Tanh", [v("h2")], [v("t2")]),
    node("Sub", [v("t1"), v("t2")], [v("s")]),
    node("MatMul", [v("s"), w("up")], ["y1"]),
    node("MatMul", [v("s"), w("down")], ["y2"]),
  ];
  const ends = { inputs: ["left", "right"], outputs: ["y1", "y2"] };
  const wanted = Object.fromEntries(
    layers.map((layer) => [
      layer,
      apart(weightsOf("a").get(`${layer}.weight`)!, weightsOf("b").get(`${layer}.weight`)!),
    ]),
  );
  const stored = (layer: string) => `const_fold_opt__${31 - layers.indexOf(layer)}`;
  const between = (value: string) => `${value}__42`;
  const other = (): Parts => ({ ...ends, nodes: nodesOf(stored, between), weights: weightsOf("b", stored) });
  const shuffled = (seed: string): Parts => {
    const random = randomStream(1, seed);
    const mix = <T>(items: readonly T[]) =>
      items
        .map((item) => [random.uniform(), item] as const)
        .sort(([x], [y]) => x - y)
        .map(([, item]) => item);
    const { nodes, weights } = other();
    return {
      nodes: mix(nodes),
      weights: new Map(mix([...weights])),
      inputs: mix(ends.inputs),
      outputs: mix(ends.outputs),
    };
  };

  beforeAll(() => {
    write("a.onnx", {
      ...ends,
      nodes: nodesOf(
        (layer) => `${layer}.weight`,
        (value) => value,
      ),
      weights: weightsOf("a"),
    });
  });

  it("are compared by their use, in any order of the nodes, even one that could not run", async () => {
    for (let i = 0; i < 60; i++)
      expectNear(await distances(at("a.onnx"), write(`b${i}.onnx`, shuffled(`order ${i}`))), wanted);
    expectSameValues(await distances(at("b7.onnx"), at("a.onnx")), wanted); // with the other file's names
  });

  it("are measured and merged in the same way", async () => {
    const labels = tensor(
      "int64",
      [24],
      Array.from({ length: 24 }, (_, i) => i % 4),
    );
    const inputs = ["left", "right"].map((name) => [name, randomTensor(name, [24, 4], -3, 3)] as const);
    await writeTensors(at("data.npz"), "npz", new Map([...inputs, ["labels", labels]]));
    const b = write("b.onnx", shuffled("measured"));
    const measured = async (end: string) => {
      const data = { name: `npz:${at("data.npz")}` };
      const { document } = await measure({ a: at("a.onnx"), b: end, model: {}, output: "y1", data, scans: ["full"] });
      return [document.ends.b.loss, ...document.cells.map(({ loss }) => loss!.value)];
    };
    expect(await measured(b)).toEqual(await measured(write("as-a.onnx", other())));
    const [out, sameOut] = [at("m.onnx"), at("same.onnx")];
    await merge({ a: at("a.onnx"), b, out });
    await merge({ a: at("a.onnx"), b: at("as-a.onnx"), out: sameOut });
    expect(await readTensors(out)).toEqual(await readTensors(sameOut));
  });

  it("are refused if their use differs, with the place", async () => {
    const nodes = [...nodesOf(stored, between)].reverse();
    const b = write("relu.onnx", {
      ...other(),
      nodes: nodes.map((one) =>
        one.opType === "Tanh" && one.input[0] === "h2__42" ? node("Relu", one.input, one.output) : one,
      ),
    });
    await expect(compareFiles(at("a.onnx"), b)).rejects.toThrow(
      "operation 3 (Tanh) is Tanh in one and Relu in the other",
    );
    const swapped = nodesOf(stored, between).map((one) =>
      one.output[0] === "y1" ? node("MatMul", ["t1__42", stored("up")], ["y1"]) : one,
    );
    await expect(compareFiles(at("a.onnx"), write("swapped.onnx", { ...other(), nodes: swapped }))).rejects.toThrow(
      "operation 5 (MatMul) has another input 0",
    );
  });

  it("have inputs matched by position if their names differ", async () => {
    const { nodes, ...rest } = other();
    const renamed = nodes.map((one) =>
      node(
        one.opType,
        one.input.map((name) => ({ left: "input_1", right: "input_2" })[name] ?? name),
        one.output,
      ),
    );
    expectNear(
      await distances(at("a.onnx"), write("named.onnx", { ...rest, inputs: ["input_1", "input_2"], nodes: renamed })),
      wanted,
    );
  });
});

it("of nodes that need their own output are refused", async () => {
  const nodes = [node("Add", ["x", "u"], ["t"]), node("MatMul", ["t", "w"], ["u"]), node("Relu", ["u"], ["y"])];
  const path = write("circle.onnx", { nodes, weights: new Map([["w", randomTensor("w", [4, 4])]]) });
  await expect(compareFiles(path, path)).rejects.toThrow(
    /circle\.onnx cannot be read as an ONNX model: its node (Add|MatMul) needs its own output\. Export it again\./,
  );
});

describe("the nodes inside of", () => {
  const weights = (seed: string) =>
    new Map(["p.weight", "q.weight"].map((name) => [name, randomTensor(seed + name, [4, 4])]));
  const wanted = Object.fromEntries(
    ["p", "q"].map((layer) => [
      layer,
      apart(weights("a").get(`${layer}.weight`)!, weights("b").get(`${layer}.weight`)!),
    ]),
  );
  const constant = (name: string, value: Tensor) =>
    node("Constant", [], [name], { attribute: [{ name: "value", type: A.TENSOR, t: onnxTensor("", value) }] });

  it("a subgraph, which uses the graph's values", async () => {
    const parts = (seed: string, isTurned: boolean): Parts => {
      const inner = [
        node("MatMul", ["x", "p.weight"], ["u"]),
        node("Tanh", ["t"], ["v"]),
        node("Sub", ["u", "v"], ["o"]),
      ];
      const turned = [inner[1], inner[0], inner[2]];
      const g = { name: "then", node: isTurned ? turned : inner, output: [{ name: "o" }] };
      const attribute = ["then_branch", "else_branch"].map((name) => ({ name, type: A.GRAPH, g }));
      return {
        nodes: [node("MatMul", ["x", "q.weight"], ["t"]), node("If", ["c"], ["y"], { attribute })],
        weights: new Map([...weights(seed), ["c", tensor("bool", [], [1])]]),
      };
    };
    const [a, b] = [write("if-a.onnx", parts("a", false)), write("if-b.onnx", parts("b", true))];
    expectNear(await distances(a, b), wanted);
  });

  it("a function, with its weights as constants", async () => {
    const parts = (seed: string, isTurned: boolean): Parts => {
      const [p, q] = [...weights(seed)].map(([name, value]) => constant(name.replace(".weight", ""), value));
      const body = [node("MatMul", ["i", "p"], ["u"]), node("MatMul", ["u", "q"], ["o"])];
      const own = { name: "Block", domain: "local", input: ["i"], output: ["o"], opsetImport: [opsetImport[0]] };
      return {
        nodes: [node("Block", ["x"], ["y"], { name: "block", domain: "local" })],
        weights: new Map(),
        functions: [{ ...own, node: isTurned ? [q, p, ...body] : [p, q, ...body] }],
      };
    };
    const [a, b] = [write("f-a.onnx", parts("a", false)), write("f-b.onnx", parts("b", true))];
    expectNear(await distances(a, b), { block: Math.hypot(...Object.values(wanted)) });
  });
});

describe("equal weights that one file stores once", () => {
  const nodes = (second: string) => [
    node("MatMul", ["x", "fc1.weight"], ["h"]),
    node("Tanh", ["h"], ["t"]),
    node("MatMul", ["t", second], ["y"]),
  ];
  const two = new Map(["fc1.weight", "fc2.weight"].map((name) => [name, randomTensor(`b${name}`, [4, 4])]));
  const one = randomTensor("a", [4, 4]);
  const wanted = {
    fc1: apart(one, two.get("fc1.weight")!),
    fc2: apart(one, two.get("fc2.weight")!),
  };
  const once = () => write("once.onnx", { nodes: nodes("fc1.weight"), weights: new Map([["fc1.weight", one]]) });
  const twice = () => write("twice.onnx", { nodes: nodes("fc2.weight"), weights: two });

  it("are counted as in the other file, in either order", async () => {
    expectNear(await distances(once(), twice()), wanted);
    expectNear(await distances(twice(), once()), wanted);
  });

  it("are measured equally, and merged into the file that stores each of them", async () => {
    const labels = tensor(
      "int64",
      [24],
      Array.from({ length: 24 }, (_, i) => i % 4),
    );
    await writeTensors(
      at("once.npz"),
      "npz",
      new Map([
        ["x", randomTensor("x", [24, 4], -3, 3)],
        ["labels", labels],
      ]),
    );
    const measured = async (a: string, b: string) => {
      const data = { name: `npz:${at("once.npz")}` };
      const { document } = await measure({ a, b, model: {}, data, scans: parseScans("single,full") });
      return document.cells.map(({ layer, base, loss }) => [layer, base, loss!.value!] as const);
    };
    const [there, back] = [await measured(once(), twice()), await measured(twice(), once())];
    expect(there.map(([layer]) => layer)).toContain("fc2");
    for (const [layer, base, loss] of there) {
      const turned = base && (base === "a" ? "b" : "a");
      expect(back.find((cell) => cell[0] === layer && cell[1] === turned)![2]).toBeCloseTo(loss, 6);
    }
    await expect(merge({ a: once(), b: twice(), out: at("m1.onnx") })).rejects.toThrow(
      "once.onnx stores fc2.weight and another, equal weight as one tensor",
    );
    await merge({ a: twice(), b: once(), out: at("m2.onnx") });
    const merged = await readTensors(at("m2.onnx"));
    expect(apart(merged.get("fc2.weight")!, one)).toBeCloseTo(wanted.fc2 / 2, 5);
  });
});
