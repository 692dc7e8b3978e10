import { expect, it } from "vitest";
import { Graph, nodesOf, slice } from "../../graph/index.ts";
import { layersOf } from "../../models/index.ts";
import { modelOf } from "../model.ts";
import { type TracedNetwork, tracedNetwork } from "./network.ts";

/** Two blocks of an embedding and a line each, with the classifier first in the state dict. */
const small: TracedNetwork = {
  input: { kind: "text", vocabulary: 9, context: 8, isBounded: true, types: 0 },
  task: { kind: "classes", count: 3 },
  settings: { width: 4, blocks: 2 },
  prefix: "base.",
  heads: ["classifier"],
  renames: [[/\.gamma$/, ".weight"]],
  build(modules, { input_ids }) {
    modules.parameter("unused", [5]);
    modules.parameter("classifier.weight", [3, 4]);
    const base = modules.within("base");
    let x = base.embedding("words", input_ids, 9, 4);
    for (const i of [0, 1]) {
      const block = base.within(`layer.${i}`);
      x = block.layerNorm("norm", block.linear("dense", x, 4, { hasBias: false }), 1e-5);
    }
    return modules.linear("classifier", slice(x, 1, 0, 1), 3);
  },
};

it("a function of modules lists its parameters in the order of its requests", () => {
  const { parameters, heads } = tracedNetwork(small);
  expect(parameters.map(({ name, shape }) => `${name} [${shape}]`)).toEqual([
    "unused [5]",
    "classifier.weight [3,4]",
    "base.words.weight [9,4]",
    "base.layer.0.dense.weight [4,4]",
    "base.layer.0.norm.weight [4]",
    "base.layer.0.norm.bias [4]",
    "base.layer.1.dense.weight [4,4]",
    "base.layer.1.norm.weight [4]",
    "base.layer.1.norm.bias [4]",
    "classifier.bias [3]",
  ]);
  expect(heads).toEqual(["classifier.weight", "classifier.bias"]);
});

it("the same function is the forward pass, for any length", () => {
  const { parameters, forward } = tracedNetwork(small);
  const graph = new Graph();
  const shapes = new Map(parameters.map((p) => [p.name, p.shape]));
  const ids = graph.input("ids", "int64", [2, 7]);
  const scores = forward({ input_ids: ids }, (name) => graph.input(`a:${name}`, "float32", shapes.get(name)!));
  expect(scores.shape).toEqual([2, 1, 3]);
  const inputs = nodesOf([scores]).filter(({ op }) => op === "Input");
  expect(inputs.map(({ attributes }) => attributes.name)).not.toContain("a:unused");
});

it("layers are numbered blocks, else modules; a name without a module is its own layer", () => {
  const network = tracedNetwork(small);
  const layersBy = (group: "block" | "module") =>
    layersOf(modelOf({ family: { type: "small", architectures: [], read: () => network }, network }, group));
  const names = (group: "block" | "module") => layersBy(group).map(({ name }) => name);
  expect(names("block")).toEqual(["unused", "classifier", "base.words", "base.layer.0", "base.layer.1"]);
  expect(names("module")).toContain("base.layer.1.norm");
});

it("names in files are found with and without the prefix, and under older names", () => {
  const { spellings } = tracedNetwork(small);
  expect(spellings("words.weight")).toContain("base.words.weight");
  expect(spellings("layer.0.norm.gamma")).toContain("base.layer.0.norm.weight");
  expect(spellings("base.classifier.weight")).toContain("classifier.weight");
});
