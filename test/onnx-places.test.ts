// Weights in every place of an ONNX file: initialisers, constants, sparse tensors, inside functions and subgraphs, with
// either name of the standard domain. The results equal those of a plain evaluation in JavaScript.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import {
  AttributeProto_AttributeType as A,
  FunctionProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  SparseTensorProtoSchema,
} from "onnx-buf";
import { beforeAll, describe, expect, it } from "vitest";
import { measure, parseScans } from "../src/connectivity/index.ts";
import { randomStream, sizeOf, type Tensor, tensor, toNumbers } from "../src/core/index.ts";
import { compareFiles } from "../src/distance/index.ts";
import { onnxTensor, temporaryFolder, writeTensors } from "./checkpoints.ts";
import { crossEntropyOf } from "./onnx-graphs.ts";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const [inputs, classes, samples] = [3, 3, 8];

type Attribute = NonNullable<MessageInitShape<typeof NodeProtoSchema>["attribute"]>[number];
type More = Partial<{ name: string; domain: string; attribute: Attribute[] }>;
const node = (opType: string, input: string[], output: string[], more: More = {}): NodeProto =>
  create(NodeProtoSchema, { opType, input, output, ...more });

/** A layer x W + b: its wrapper, and the storage of W and b. */
interface Layer {
  readonly wrapper: "none" | "function" | "nested" | "twice" | "if" | "in a function's if";
  readonly kept: readonly [Kept, Kept];
}
const keeps = ["initialiser", "constant", "sparse", "sparse constant"] as const;
type Kept = (typeof keeps)[number];

interface Form {
  readonly layers: readonly Layer[];
  /** The name of the standard domain in imports, and in nodes. */
  readonly imported: string;
  readonly domain: string;
  readonly version: number;
}

type Weights = readonly (readonly [Tensor, Tensor])[];

const drawn = (seed: string, shape: number[]) => {
  const random = randomStream(5, seed);
  // some zeros, for sparse tensors
  return tensor(
    "float32",
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => (random.integer(4) ? random.normal() : 0)),
  );
};
const weightsOf = (seed: string, depth: number): Weights =>
  Array.from({ length: depth }, (_, i) => [
    drawn(`${seed} w${i}`, [inputs, i === depth - 1 ? classes : inputs]),
    drawn(`${seed} b${i}`, [i === depth - 1 ? classes : inputs]),
  ]);

function sparse(name: string, { shape, data }: Tensor, byPlace: boolean) {
  const places = [...data.keys()].filter((i) => data[i] !== 0);
  const [, columns] = shape;
  const indices =
    byPlace || shape.length < 2
      ? tensor("int64", [places.length], places)
      : tensor(
          "int64",
          [places.length, 2],
          places.flatMap((i) => [Math.floor(i / columns), i % columns]),
        );
  return create(SparseTensorProtoSchema, {
    values: onnxTensor(
      name,
      tensor(
        "float32",
        [places.length],
        places.map((i) => Number(data[i])),
      ),
    ),
    indices: onnxTensor("", indices),
    dims: shape.map(BigInt),
  });
}

/** Puts a tensor into a list of nodes, or a graph, by its name. */
function keep(kept: Kept, name: string, value: Tensor, nodes: NodeProto[], graph?: GraphProto): void {
  if (kept === "initialiser" && graph) graph.initializer.push(onnxTensor(name, value));
  else if (kept === "sparse" && graph) graph.sparseInitializer.push(sparse(name, value, true));
  else if (kept === "sparse" || kept === "sparse constant")
    nodes.push(
      node("Constant", [], [name], {
        attribute: [{ name: "sparse_value", type: A.SPARSE_TENSOR, sparseTensor: sparse(name, value, false) }],
      }),
    );
  else if (value.shape.length === 1 && kept === "constant")
    nodes.push(
      node("Constant", [], [name], {
        attribute: [{ name: "value_floats", type: A.FLOATS, floats: [...toNumbers(value)] }],
      }),
    );
  else
    nodes.push(
      node("Constant", [], [name], { attribute: [{ name: "value", type: A.TENSOR, t: onnxTensor("", value) }] }),
    );
}

const branch = (name: string, nodes: NodeProto[]) =>
  create(GraphProtoSchema, { name, node: nodes, output: [{ name: nodes.at(-1)!.output[0] }] });

function choice(input: string, output: string, [w, b]: readonly [Tensor, Tensor], kept: Layer["kept"]): NodeProto {
  const then = branch("then", [node("Gemm", [input, "w", "b"], ["t"])]);
  const own: NodeProto[] = [];
  keep(kept[0], "w", w, own, then);
  keep(kept[1], "b", b, own, then);
  then.node.unshift(...own);
  const zeros = tensor("float32", [...w.shape], new Array(sizeOf(w.shape)).fill(0));
  const other: NodeProto[] = []; // a subgraph has its own names
  keep("constant", "w", zeros, other);
  const otherwise = branch("else", [...other, node("MatMul", [input, "w"], ["e"])]);
  return node("If", ["yes"], [output], {
    attribute: [
      { name: "then_branch", type: A.GRAPH, g: then },
      { name: "else_branch", type: A.GRAPH, g: otherwise },
    ],
  });
}

const imports = (name: string, version: number) => [
  create(OperatorSetIdProtoSchema, { domain: name, version: BigInt(version) }),
];

/** A network with tanh between its layers, as a file in a form. */
function modelOf(weights: Weights, { layers, imported, domain, version }: Form): Uint8Array {
  const graph = create(GraphProtoSchema, { name: "g", input: [{ name: "x" }], output: [{ name: "scores" }] });
  graph.initializer.push(onnxTensor("yes", tensor("bool", [], [1])));
  const functions: ReturnType<typeof create<typeof FunctionProtoSchema>>[] = [];
  const own = (name: string, input: string[], nodes: NodeProto[]) => {
    const opsetImport = [...imports(imported, version), ...imports("local", 1)];
    functions.push(
      create(FunctionProtoSchema, {
        name,
        domain: "local",
        input,
        output: [nodes.at(-1)!.output[0]],
        opsetImport,
        node: nodes,
      }),
    );
  };
  let last = "x";
  weights.forEach(([w, b], i) => {
    const { wrapper, kept } = layers[i];
    const [name, weight, bias] = [`fc${i}`, `fc${i}.weight`, `fc${i}.bias`];
    const output = i === weights.length - 1 ? "scores" : `h${i}`;
    const call = (opType: string, from = last, to = output) => node(opType, [from], [to], { name, domain: "local" });
    const body: NodeProto[] = [];
    if (wrapper === "none") {
      keep(kept[0], weight, w, graph.node, graph);
      keep(kept[1], bias, b, graph.node, graph);
      graph.node.push(node("Gemm", [last, weight, bias], [output], { name }));
    } else if (wrapper === "if") graph.node.push(choice(last, output, [w, b], kept));
    else if (wrapper === "in a function's if") {
      own(`Linear${i}`, ["input"], [node("Identity", ["always"], ["yes"]), choice("input", "out", [w, b], kept)]);
      functions.at(-1)!.input.push("always");
      graph.node.push(node(`Linear${i}`, [last, "yes"], [output], { name, domain: "local" }));
    } else {
      keep(kept[0], "w", w, body);
      keep(kept[1], "b", b, body);
      own(`Linear${i}`, ["input"], [...body, node("Gemm", ["input", "w", "b"], ["out"])]);
      if (wrapper === "nested") own(`Outer${i}`, ["outer"], [call(`Linear${i}`, "outer", "result")]);
      // a second call without effect: the weights are still shared
      if (wrapper === "twice") {
        graph.node.push(call(`Linear${i}`, last, `again${i}`), node("Sub", [`again${i}`, `again${i}`], [`none${i}`]));
        graph.node.push(call(`Linear${i}`, last, `once${i}`), node("Add", [`once${i}`, `none${i}`], [output]));
      } else graph.node.push(call(wrapper === "nested" ? `Outer${i}` : `Linear${i}`));
    }
    if (output === "scores") return;
    last = `r${i}`;
    graph.node.push(node("Tanh", [output], [last]));
  });
  const named = (nodes: NodeProto[]) => {
    for (const one of nodes) {
      if (one.domain === "") one.domain = domain;
      for (const { g } of one.attribute) if (g) named(g.node);
    }
  };
  named(graph.node);
  for (const one of functions) named(one.node);
  const opsetImport = [...imports(imported, version), ...imports("local", 1)];
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 8n, graph, functions, opsetImport }));
}

const data = {
  x: drawn("x", [samples, inputs]),
  labels: tensor(
    "int64",
    [samples],
    [...Array(samples).keys()].map((i) => i % classes),
  ),
};

/** The mean cross entropy of a network. */
function lossOf(weights: Weights): number {
  let total = 0;
  for (let n = 0; n < samples; n++) {
    let row = [...toNumbers(data.x)].slice(n * inputs, (n + 1) * inputs);
    weights.forEach(([w, b], i) => {
      const [matrix, columns] = [toNumbers(w), w.shape[1]];
      row = Array.from(toNumbers(b), (bias, j) => row.reduce((sum, x, k) => sum + x * matrix[k * columns + j], bias));
      if (i < weights.length - 1) row = row.map(Math.tanh);
    });
    total += crossEntropyOf(row, Number(data.labels.data[n]));
  }
  return total / samples;
}

const mean = (x: Tensor, y: Tensor) =>
  tensor(
    "float32",
    x.shape,
    toNumbers(x).map((v, i) => (v + toNumbers(y)[i]) / 2),
  );

/** For each tensor the losses with that one averaged, on a and on b. */
function mixes(a: Weights, b: Weights): number[][] {
  return a.flatMap((layer, i) =>
    layer.map((_, part) =>
      [a, b].map((base) =>
        lossOf(
          base.map((own, j) => own.map((one, k) => (j === i && k === part ? mean(a[j][k], b[j][k]) : one)) as never),
        ),
      ),
    ),
  );
}

const measured = (a: string, b: string, group?: "tensor", memory?: number) =>
  measure({
    memory,
    a: at(a),
    b: at(b),
    model: {},
    data: { name: `npz:${at("data.npz")}` },
    group,
    scans: parseScans("single,full"),
  });

const forms = fc.integer({ min: 1, max: 3 }).chain((depth) =>
  fc.record<Form>({
    layers: fc.array(
      fc.record<Layer>({
        wrapper: fc.constantFrom<Layer["wrapper"]>("none", "function", "nested", "twice", "if", "in a function's if"),
        kept: fc.tuple(fc.constantFrom(...keeps), fc.constantFrom(...keeps)),
      }),
      { minLength: depth, maxLength: depth },
    ),
    imported: fc.constantFrom("", "ai.onnx"),
    domain: fc.constantFrom("", "ai.onnx"),
    version: fc.constantFrom(13, 18, 20),
  }),
);

beforeAll(() => writeTensors(at("data.npz"), "npz", new Map(Object.entries(data))));

describe("weights in an ONNX file", () => {
  it("are measured in any place", async () => {
    await fc.assert(
      fc.asyncProperty(forms, fc.boolean(), async (form, inSegments) => {
        const [a, b] = ["a", "b"].map((seed) => weightsOf(seed, form.layers.length));
        writeFileSync(at("a.onnx"), modelOf(a, form));
        writeFileSync(at("b.onnx"), modelOf(b, form));
        const { document } = await measured("a.onnx", "b.onnx", "tensor", inSegments ? 1 : undefined);
        const { ends, cells, distance } = document;
        expect(ends.a.loss).toBeCloseTo(lossOf(a), 5);
        expect(ends.b.loss).toBeCloseTo(lossOf(b), 5);
        const full = lossOf(a.map((layer, i) => layer.map((one, k) => mean(one, b[i][k])) as never));
        expect(cells.find(({ layer }) => layer === null)!.loss!.value).toBeCloseTo(full, 5);
        // layers are in the order of their first use; a function may have its own order
        const found = document.layers.map(({ name }) =>
          (["a", "b"] as const).map(
            (base) => cells.find((cell) => cell.layer === name && cell.base === base)!.loss!.value!,
          ),
        );
        const inOrder = (values: number[][]) => values.sort(([x], [y]) => x - y).flat();
        const wanted = inOrder(mixes(a, b));
        expect(inOrder(found)).toHaveLength(wanted.length);
        for (const [k, value] of inOrder(found).entries()) expect(value).toBeCloseTo(wanted[k], 4);
        const compared = await compareFiles(at("a.onnx"), at("b.onnx"), { group: "tensor" });
        expect(compared.distance.layers).toEqual(distance.layers);
      }),
      { numRuns: 40 },
    );
  });
});
