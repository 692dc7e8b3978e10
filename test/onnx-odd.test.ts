// ONNX files with one unusual property each: measured (with a note if it affects results), or refused with advice.
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
  type TensorProto,
  TensorProtoSchema,
} from "onnx-buf";
import { beforeAll, describe, expect, it } from "vitest";
import { type MeasureOptions, measure, parseScans } from "../src/connectivity/index.ts";
import { randomStream, sizeOf, type Tensor, tensor, toNumbers } from "../src/core/index.ts";
import { compareFiles } from "../src/distance/index.ts";
import { merge } from "../src/merging/index.ts";
import { onnxTensor, temporaryFolder, writeTensors } from "./checkpoints.ts";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const samples = 40;

type Attribute = NonNullable<MessageInitShape<typeof NodeProtoSchema>["attribute"]>[number];
type NodeShape = MessageInitShape<typeof NodeProtoSchema>;
const node = (opType: string, input: string[], output: string[], more: NodeShape = {}) =>
  create(NodeProtoSchema, { opType, input, output, ...more });
const int = (name: string, i: number): Attribute => ({ name, type: A.INT, i: BigInt(i) });
const floats = (name: string, values: number[]): Attribute => ({ name, type: A.FLOATS, floats: values });

interface Parts {
  readonly nodes: ReturnType<typeof node>[];
  readonly weights?: Readonly<Record<string, Tensor>>;
  readonly initialisers?: TensorProto[];
  readonly functions?: MessageInitShape<typeof FunctionProtoSchema>[];
  readonly outputs?: MessageInitShape<typeof GraphProtoSchema>["output"];
  readonly opsets?: Readonly<Record<string, number>>;
}

const imports = (opsets: Readonly<Record<string, number>>) =>
  Object.entries(opsets).map(([domain, version]) =>
    create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) }),
  );

function write(
  name: string,
  { nodes, weights = {}, initialisers = [], functions = [], outputs, opsets = { "": 17 } }: Parts,
) {
  const graph = create(GraphProtoSchema, {
    name: "g",
    node: nodes,
    input: [{ name: "x" }],
    output: outputs ?? [{ name: "y" }],
    initializer: [...Object.entries(weights).map(([one, value]) => onnxTensor(one, value)), ...initialisers],
  });
  const opsetImport = imports(opsets);
  writeFileSync(
    at(name),
    toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 8n, graph, functions, opsetImport })),
  );
}

/** Writes a.onnx and b.onnx. */
function pair(make: (seed: string) => Parts): void {
  write("a.onnx", make("a"));
  write("b.onnx", make("b"));
}

const drawn = (seed: string, ...shape: number[]) => {
  const random = randomStream(8, seed);
  return tensor(
    "float32",
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => random.normal()),
  );
};
const filled = (value: number, ...shape: number[]) => tensor("float32", shape, new Array(sizeOf(shape)).fill(value));
const linear = (seed: string) => ({ "fc.weight": drawn(`${seed}w`, 3, 3), "fc.bias": drawn(`${seed}b`, 3) });

async function measured(more: Partial<MeasureOptions> = {}) {
  const { document } = await measure({
    a: at("a.onnx"),
    b: at("b.onnx"),
    model: {},
    data: { name: `npz:${at("data.npz")}` },
    scans: parseScans("full"),
    ...more,
  });
  return { ...document, notes: (document.notes ?? []).join(" ") };
}

beforeAll(async () => {
  const x = drawn("x", samples, 3);
  const labels = tensor(
    "int64",
    [samples],
    [...Array(samples).keys()].map((i) => i % 3),
  );
  await writeTensors(
    at("data.npz"),
    "npz",
    new Map([
      ["x", x],
      ["labels", labels],
    ]),
  );
  await writeTensors(
    at("values.npz"),
    "npz",
    new Map([
      ["x", x],
      ["labels", filled(0, samples, 3)],
    ]),
  );
});
const values = { data: { name: `npz:${at("values.npz")}` }, task: "regress" as const };

describe("differences between two files", () => {
  const body = (op: string) => ({
    name: "Block",
    domain: "local",
    input: ["i"],
    output: ["o"],
    opsetImport: imports({ "": 17 }),
    node: [node(op, ["i"], ["o"])],
  });
  const nodes = [
    node("Gemm", ["x", "fc.weight", "fc.bias"], ["h"], { name: "fc" }),
    node("Block", ["h"], ["y"], { name: "act", domain: "local" }),
  ];
  const opsets = { "": 17, local: 1 };

  it("functions with the same name that do something else", async () => {
    pair((seed) => ({ nodes, weights: linear(seed), functions: [body(seed === "a" ? "Tanh" : "Sigmoid")], opsets }));
    await expect(measured()).rejects.toThrow(
      /a.onnx and .*b.onnx differ: function Block: operation 0 \(Sigmoid|Tanh\) is Tanh in one and Sigmoid in the other/,
    );
    await expect(compareFiles(at("a.onnx"), at("b.onnx"))).rejects.toThrow("function Block");
  });

  it("functions with different names that do the same are equal", async () => {
    const named = (name: string) => ({ ...body("Tanh"), name });
    pair((seed) => ({
      nodes: [nodes[0], node(`Block_${seed}`, ["h"], ["y"], { domain: "local" })],
      weights: linear(seed),
      functions: [named(`Block_${seed}`)],
      opsets,
    }));
    expect((await measured()).layers.map(({ name }) => name)).toEqual(["fc"]);
  });

  it("attributes without a type (CNTK) are equal to typed ones with the same value", async () => {
    const untyped = ({ name, i }: Attribute): Attribute => ({ name, i });
    const gemm = (attribute: Attribute[]) => [node("Gemm", ["x", "fc.weight", "fc.bias"], ["y"], { attribute })];
    pair((seed) => {
      const transB = int("transB", 1);
      return { nodes: gemm([seed === "a" ? untyped(transB) : transB]), weights: linear(seed) };
    });
    expect((await compareFiles(at("a.onnx"), at("b.onnx"))).layers.map(({ name }) => name)).toEqual(["fc"]);
    pair((seed) => ({
      nodes: gemm(seed === "a" ? [untyped(int("transB", 0))] : [int("transB", 1)]),
      weights: linear(seed),
    }));
    await expect(compareFiles(at("a.onnx"), at("b.onnx"))).rejects.toThrow("operation 0 (Gemm) has another transB");
  });

  it("weights that are attributes", async () => {
    const attribute = (seed: string) => [
      floats("coefficients", [...toNumbers(drawn(seed, 9))]),
      floats("intercepts", [0, 0, 0]),
      { name: "classlabels_ints", type: A.INTS, ints: [0n, 1n, 2n] },
    ];
    pair((seed) => ({
      nodes: [
        node("LinearClassifier", ["x"], ["l", "y"], { name: "clf", domain: "ai.onnx.ml", attribute: attribute(seed) }),
      ],
      opsets: { "": 17, "ai.onnx.ml": 1 },
    }));
    const sentence =
      "operation 0 (clf) is a LinearClassifier that keeps its weights in attributes, of which coefficients differ. Weights that are attributes cannot be averaged. Save both models with them as initialisers, for example as MatMul and Add.";
    await expect(measured()).rejects.toThrow(sentence);
    await expect(compareFiles(at("a.onnx"), at("b.onnx"))).rejects.toThrow(sentence);
    pair((seed) => {
      const attribute = [floats("offset", [...toNumbers(drawn(seed, 3))]), floats("scale", [1, 1, 1])];
      return {
        nodes: [node("Scaler", ["x"], ["y"], { domain: "ai.onnx.ml", attribute })],
        opsets: { "": 17, "ai.onnx.ml": 1 },
      };
    });
    await expect(compareFiles(at("a.onnx"), at("b.onnx"))).rejects.toThrow("for example as Sub and Mul.");
  });

  it("strings and 8-bit floats, which are kept if they are equal", async () => {
    const text = (...words: string[]) =>
      create(TensorProtoSchema, {
        name: "classes",
        dataType: 8,
        dims: [BigInt(words.length)],
        stringData: words.map((word) => new TextEncoder().encode(word)),
      });
    const parts = (seed: string, ...words: string[]): Parts => ({
      nodes: [
        nodes[0],
        node("ArgMax", ["h"], ["best"], { attribute: [int("axis", 1), int("keepdims", 0)] }),
        node("ArrayFeatureExtractor", ["classes", "best"], ["label"], { domain: "ai.onnx.ml" }),
      ],
      weights: linear(seed),
      initialisers: [text(...words)],
      outputs: [{ name: "label" }, { name: "h" }],
      opsets: { "": 17, "ai.onnx.ml": 1 },
    });
    pair((seed) => parts(seed, "cat", "dog", "owl"));
    expect((await measured({ output: "h" })).layers.map(({ name }) => name)).toEqual(["fc"]);
    pair((seed) => parts(seed, seed === "a" ? "cat" : "dog", "dog", "owl"));
    await expect(measured({ output: "h" })).rejects.toThrow(
      "the texts in classes differ. Export both models with the same classes in the same order.",
    );
    const small = (byte: number) =>
      create(TensorProtoSchema, { name: "q", dataType: 17, dims: [1n], rawData: Uint8Array.of(byte) });
    pair((seed) => ({ ...parts(seed, "cat"), initialisers: [text("cat"), small(seed === "a" ? 1 : 2)] }));
    await expect(measured({ output: "h" })).rejects.toThrow(
      "the values of q (float8e4m3fn) differ. Are the models quantised? Use the float models.",
    );
  });

  it("a merge refuses a weight in a function, by its name", async () => {
    const inside = (seed: string) => ({
      ...body("Tanh"),
      node: [
        node("Constant", [], ["w"], {
          attribute: [{ name: "value", type: A.TENSOR, t: onnxTensor("", drawn(seed, 3)) }],
        }),
        node("Mul", ["i", "w"], ["o"]),
      ],
    });
    pair((seed) => ({ nodes, weights: linear(seed), functions: [inside(seed)], opsets }));
    const distances = await compareFiles(at("a.onnx"), at("b.onnx"));
    expect(distances.layers.map(({ name, size }) => [name, size])).toEqual([
      ["fc", 12],
      ["act", 3],
    ]);
    await expect(merge({ a: at("a.onnx"), b: at("b.onnx"), out: at("m.onnx") })).rejects.toThrow(
      "a.onnx stores act.w as a constant of its graph, which cannot be replaced.",
    );
  });
});

describe("a graph with two state dicts", () => {
  const states = (seed: string) =>
    new Map([...Object.entries(linear(seed)), ["act.scale", drawn(`${seed}s`, 3)] as const]);
  const graphOf = (seed: string, more: TensorProto[] = []): Parts => ({
    nodes: [
      node("Gemm", ["x", "fc.weight", "fc.bias"], ["h"]),
      node("Scale", ["h"], ["y"], { domain: "local" }),
      ...more.map(({ name }) => node("Identity", [name], [`${name} used`])),
    ],
    weights: linear(seed),
    initialisers: more,
    functions: [
      {
        name: "Scale",
        domain: "local",
        input: ["i"],
        output: ["o"],
        opsetImport: imports({ "": 17 }),
        node: [
          node("Constant", [], ["w"], {
            attribute: [{ name: "value_floats", type: A.FLOATS, floats: [...toNumbers(drawn(`${seed}s`, 3))] }],
          }),
          node("Mul", ["i", "w"], ["o"]),
        ],
      },
    ],
    opsets: { "": 17, local: 1 },
  });
  const onGraph = { a: at("a.npz"), b: at("b.npz"), model: { name: at("a.onnx") } };
  beforeAll(async () => {
    for (const seed of ["a", "b"]) await writeTensors(at(`${seed}.npz`), "npz", states(seed));
  });

  it("uses the weights in its functions", async () => {
    pair((seed) => graphOf(seed));
    const [found, wanted] = [await measured(onGraph), await measured()];
    expect(found.ends.b.loss).toBeCloseTo(wanted.ends.b.loss!, 5);
    expect(found.cells[0].loss!.value).toBeCloseTo(wanted.cells[0].loss!.value!, 5);
    expect(found.layers.map(({ name, size }) => [name, size])).toEqual([
      ["fc", 12],
      ["act", 3],
    ]);
  });

  it("is refused if it is quantised to an unsupported type", async () => {
    const small = create(TensorProtoSchema, { name: "q", dataType: 22, dims: [2n], rawData: Uint8Array.of(1) });
    const other = new Map([...Object.entries(linear("a")), ["other.weight", drawn("o", 2)] as const]);
    for (const seed of ["a", "b"]) await writeTensors(at(`${seed}4.npz`), "npz", other);
    pair((seed) => graphOf(seed, [small]));
    await expect(measured({ ...onGraph, a: at("a4.npz"), b: at("b4.npz") })).rejects.toThrow(
      /is quantised \(q is int4\), so it would not use other.weight of .*\. Export the float model./,
    );
  });
});

describe("outputs that are not tensors", () => {
  it("are not run, and give advice on the export", async () => {
    const zip = (outputs: Parts["outputs"], ...more: Parts["nodes"]) =>
      pair((seed) => ({
        nodes: [
          node("Gemm", ["x", "fc.weight", "fc.bias"], ["h"]),
          node("Softmax", ["h"], ["p"], { attribute: [int("axis", 1)] }),
          node("ZipMap", ["p"], ["maps"], {
            domain: "ai.onnx.ml",
            attribute: [{ name: "classlabels_int64s", type: A.INTS, ints: [0n, 1n, 2n] }],
          }),
          ...more,
        ],
        weights: linear(seed),
        outputs,
        opsets: { "": 17, "ai.onnx.ml": 1 },
      }));
    const best = node("ArgMax", ["p"], ["label"], { attribute: [int("axis", 1), int("keepdims", 0)] });
    zip([{ name: "label" }, { name: "maps" }], best);
    await expect(measured()).rejects.toThrow(/Its outputs are label \[40\]. maps is not a tensor. .*'zipmap': False/);
    await expect(measured({ output: "maps" })).rejects.toThrow("The output maps of the model is not a tensor. Export");
    zip([{ name: "maps" }]);
    await expect(measured()).rejects.toThrow(
      /has no output that is a tensor, only maps. Export the scores as a tensor/,
    );
    zip([{ name: "maps" }, { name: "p" }]);
    expect((await measured()).notes).toContain("The output p is a softmax of the scores");
  });
});

describe("random numbers", () => {
  /** y = 0 x W + n1 n2, two draws of unit variance. */
  const parts =
    (attribute: Attribute[] = [], op = "RandomNormalLike") =>
    (seed: string): Parts => ({
      nodes: [
        node("MatMul", ["x", "fc.weight"], ["h"]),
        node("Mul", ["h", "zero"], ["z"]),
        node(op, op.endsWith("Like") ? ["z"] : [], ["n1"], { attribute }),
        node(op, op.endsWith("Like") ? ["z"] : [], ["n2"], { attribute }),
        node("Mul", ["n1", "n2"], ["n"]),
        node("Add", ["z", "n"], ["y"]),
      ],
      weights: { "fc.weight": drawn(seed, 3, 3), zero: filled(0) },
    });
  const long = { ...values, data: { name: `npz:${at("long.npz")}` } };
  beforeAll(() =>
    writeTensors(
      at("long.npz"),
      "npz",
      new Map([
        ["x", drawn("l", 4000, 3)],
        ["labels", filled(0, 4000, 3)],
      ]),
    ),
  );

  it("of the export are averaged with a note", async () => {
    const constant = (seed: string): Attribute => ({
      name: "value",
      type: A.TENSOR,
      t: onnxTensor("noise", drawn(`noise ${seed}`, 3)),
    });
    pair((seed) => ({
      nodes: [
        node("Constant", [], ["/Constant_output_0"], { attribute: [constant(seed)] }),
        node("Add", ["x", "/Constant_output_0"], ["n"]),
        node("MatMul", ["n", "fc.weight"], ["y"]),
      ],
      weights: { "fc.weight": drawn(seed, 3, 3) },
    }));
    expect((await measured(long)).notes).toBe(
      "The exports stored constants that are no parameters and differ: /Constant_output_0. They are averaged like weights. If they are random numbers, set the same seed before each export.",
    );
  });

  it.each([undefined, 1])("two nodes are two draws, memory %s", async (memory) => {
    pair(parts());
    const { ends, notes, cells } = await measured({ ...long, batch: 4000, memory });
    // one draw squared would have a mean square of 3
    for (const loss of [ends.a.loss!, ends.b.loss!, cells[0].loss!.value!])
      expect(Math.abs(loss - 1)).toBeLessThan(0.3);
    expect(notes).toContain(
      "The graph draws random numbers (RandomNormalLike), so results vary. To make them repeatable, set the attribute seed on each of these nodes.",
    );
  });

  it("with seeds are noted as such", async () => {
    pair(parts([{ name: "seed", type: A.FLOAT, f: 3 }]));
    expect((await measured(values)).notes).toContain(
      "The graph draws random numbers (RandomNormalLike) with fixed seeds.",
    );
  });

  it("are not noted where the scores do not depend on them", async () => {
    pair((seed) => ({
      nodes: [node("MatMul", ["x", "fc.weight"], ["y"]), node("Multinomial", ["y"], ["action"])],
      weights: linear(seed),
      outputs: [{ name: "y" }, { name: "action" }],
    }));
    expect((await measured()).notes).not.toContain("random");
  });

  it.each([
    ["subgraph", "RandomNormalLike within If"],
    ["function in a subgraph", "RandomNormalLike within Noise within If"],
  ])("within a %s are named, not the node around them", async (place, wanted) => {
    const inside = [
      node("MatMul", ["x", "fc.weight"], ["h"]),
      node("RandomNormalLike", ["h"], ["n"]),
      node("Add", ["h", "n"], ["z"]),
    ];
    const opsets = { "": 17, own: 1 };
    const isFunction = place.startsWith("function");
    const call = node("Noise", ["x", "fc.weight"], ["z"], { domain: "own" });
    const branch = create(GraphProtoSchema, {
      name: "b",
      node: isFunction ? [call] : inside,
      output: [{ name: "z" }],
    });
    const attribute = ["then_branch", "else_branch"].map((name) => ({ name, type: A.GRAPH, g: branch }));
    pair((seed) => ({
      nodes: [node("If", ["yes"], ["y"], { attribute })],
      weights: { ...linear(seed), yes: tensor("bool", [], [1]) },
      functions: isFunction
        ? [
            {
              name: "Noise",
              domain: "own",
              input: ["x", "fc.weight"],
              output: ["z"],
              node: inside,
              opsetImport: imports(opsets),
            },
          ]
        : [],
      opsets,
    }));
    expect((await measured(values)).notes).toContain(`The graph draws random numbers (${wanted}), so results vary.`);
  });

  it("that do not depend on inputs are drawn once for all networks and segments", async () => {
    const shape: Attribute = { name: "shape", type: A.INTS, ints: [20n, 3n] };
    pair((seed) => ({
      ...parts([shape], "RandomNormal")(seed),
      nodes: [
        node("MatMul", ["x", "fc.weight"], ["h"]), // before the draw: the runtime seeds a node by its position
        node("RandomNormal", [], ["n"], { attribute: [shape] }),
        node("Add", ["h", "n"], ["noisy"]),
        node("MatMul", ["noisy", "second.weight"], ["g"]),
        node("MatMul", ["n", "second.weight"], ["m"]),
        node("Sub", ["g", "m"], ["y"]), // the noise cancels if it was drawn once
      ],
      weights: { "fc.weight": drawn(seed, 3, 3), "second.weight": drawn(`${seed}2`, 3, 3) },
    }));
    const noisy = await measured({ ...values, batch: 20, memory: 1 });
    pair((seed) => ({
      nodes: [node("MatMul", ["x", "fc.weight"], ["h"]), node("MatMul", ["h", "second.weight"], ["y"])],
      weights: { "fc.weight": drawn(seed, 3, 3), "second.weight": drawn(`${seed}2`, 3, 3) },
    }));
    const plain = await measured({ ...values, batch: 20, memory: 1 });
    expect(noisy.ends.a.loss).toBeCloseTo(plain.ends.a.loss!, 4);
    expect(noisy.cells[0].loss!.value).toBeCloseTo(plain.cells[0].loss!.value!, 4);
  });
});

describe("models exported in training mode", () => {
  const norm = (seed: string) => ({
    "bn.weight": filled(1, 3),
    "bn.bias": drawn(`${seed}bias`, 3),
    "bn.running_mean": drawn(`${seed}mean`, 3),
    "bn.running_var": filled(2, 3),
  });
  const names = ["bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"];

  it.each([
    ["since operator set 14", 15, ["y", "m", "v"], [int("training_mode", 1)]],
    ["before", 9, ["y", "m", "v", "sm", "sv"], []],
  ] as const)("normalise by the batch, %s", async (_, version, output, attribute) => {
    pair((seed) => ({
      nodes: [
        node("Gemm", ["x", "fc.weight", "fc.bias"], ["h"]),
        node("BatchNormalization", ["h", ...names], [...output], { name: "bn", attribute: [...attribute] }),
      ],
      weights: { ...linear(seed), ...norm(seed) },
      opsets: { "": version },
    }));
    const { notes } = await measured();
    expect(notes).toContain("(BatchNormalization in training mode)");
    expect(notes).not.toContain("--stats recalibrate");
    await expect(measured({ statistics: "recalibrate" })).rejects.toThrow(
      "so --stats recalibrate has no effect. Omit it, or export the model in evaluation mode.",
    );
  });

  it("normalise in a function, out of reach of a recalibration", async () => {
    const block = {
      name: "Norm",
      domain: "local",
      input: ["i", ...names.map((one) => one.slice(3))],
      output: ["o"],
      opsetImport: imports({ "": 15 }),
      node: [node("BatchNormalization", ["i", ...names.map((one) => one.slice(3))], ["o"])],
    };
    const parts = (seed: string, isInside: boolean): Parts => ({
      nodes: [
        node("Gemm", ["x", "fc.weight", "fc.bias"], ["h"]),
        node(isInside ? "Norm" : "BatchNormalization", ["h", ...names], ["y"], { domain: isInside ? "local" : "" }),
      ],
      weights: { ...linear(seed), ...norm(seed) },
      functions: isInside ? [block] : [],
      opsets: { "": 15, local: 1 },
    });
    pair((seed) => parts(seed, false));
    const [plain, kept] = [await measured(), await measured({ statistics: "a" })];
    expect(plain.notes).toContain("--stats recalibrate recomputes them");
    pair((seed) => parts(seed, true));
    const inside = await measured();
    expect(inside.cells[0].loss).toEqual(plain.cells[0].loss);
    expect(inside.notes).not.toContain("recalibrate");
    expect((await measured({ statistics: "a" })).cells[0].loss).toEqual(kept.cells[0].loss);
    expect(kept.cells[0].loss).not.toEqual(plain.cells[0].loss);
    await expect(measured({ statistics: "recalibrate" })).rejects.toThrow(
      /inside a function or a subgraph \(it uses bn.running_mean\).*inline the functions/,
    );
  });

  it("omit dropout, even at the end of the graph", async () => {
    const parts = (seed: string, mode: number | undefined): Parts => ({
      nodes: [
        node("Gemm", ["x", "fc.weight", "fc.bias"], ["h"]),
        ...(mode === undefined
          ? [node("Identity", ["h"], ["y"])]
          : [node("Dropout", ["h", "ratio", "mode"], ["y", "mask"])]),
      ],
      weights: { ...linear(seed), ratio: filled(0.5), mode: tensor("bool", [], [mode ?? 0]) },
    });
    const results = [];
    for (const mode of [undefined, 0, 1]) {
      pair((seed) => parts(seed, mode));
      results.push(await measured());
    }
    const [plain, evaluated, trained] = results;
    expect(trained.ends).toEqual(plain.ends);
    expect(evaluated.ends).toEqual(plain.ends);
    const note =
      "The graph was exported with dropout in training mode. Dropout is switched off here, as in evaluation.";
    expect(trained.notes).toContain(note);
    expect(evaluated.notes).not.toContain("dropout");
  });
});

describe("a graph that ONNX Runtime cannot run", () => {
  it("is too old", async () => {
    pair((seed) => ({
      nodes: [node("Gemm", ["x", "fc.weight", "fc.bias"], ["y"])],
      weights: linear(seed),
      opsets: { "": 6 },
    }));
    await expect(measured()).rejects.toThrow(
      /a.onnx uses ONNX operator set 6, but the oldest supported one is 7. Convert it in Python/,
    );
    expect((await compareFiles(at("a.onnx"), at("b.onnx"))).layers).toHaveLength(1);
  });

  it.each([undefined, 1])("is refused in a sentence, memory %s", async (memory) => {
    pair((seed) => ({
      nodes: [
        node("Gemm", ["x", "fc.weight", "fc.bias"], ["h"]),
        node("Unheard", ["h"], ["g"], { domain: "nowhere" }),
        node("Gemm", ["g", "fc2.weight"], ["y"]),
      ],
      weights: { ...linear(seed), "fc2.weight": drawn(`${seed}2`, 3, 3) },
      outputs: [
        {
          name: "y",
          type: {
            value: {
              case: "tensorType",
              value: {
                elemType: 1,
                shape: { dim: [undefined, 3n].map((n) => (n ? { value: { case: "dimValue", value: n } } : {})) },
              },
            },
          },
        },
      ],
      opsets: { "": 17, nowhere: 1 },
    }));
    await expect(measured({ memory })).rejects.toThrow(
      /ONNX Runtime cannot run \S+a\.onnx: it does not support the operation Unheard of domain nowhere\. Export the model without it/,
    );
  });
});
