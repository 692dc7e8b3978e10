// A tied tensor that one file has under each of its names and the other under only one: the same network, in either
// order of the files.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { onnxBytes, temporaryFolder, writeTensors } from "../../test/checkpoints.ts";
import { openCheckpoint } from "../checkpoints/index.ts";
import { type Tensor, tensor } from "../core/index.ts";
import { compareFiles } from "../distance/index.ts";
import { buildModel, findNetwork } from "../models/index.ts";
import { openEnds } from "./pair.ts";

const folder = temporaryFolder();
const matrix = (value: number) => tensor("float32", [4, 4], new Array<number>(16).fill(1).with(0, value));

async function write(name: string, tensors: ReadonlyMap<string, Tensor>, tied?: readonly string[]): Promise<string> {
  const path = join(folder, name);
  await writeTensors(path, "safetensors", tensors, tied && { tied: JSON.stringify([tied]) });
  return path;
}

/** An embedding, tied to the head if there is one, and another layer. */
function language(name: string, value: number, names: readonly string[]): Promise<string> {
  const embedding = names.map((one): [string, Tensor] => [one, matrix(value)]);
  const tensors = new Map([...embedding, ["h.weight", matrix(value + 10)]]);
  return write(name, tensors, names.length > 1 ? names : undefined);
}

it("is no difference for distances", async () => {
  const both = await language("both", 1, ["wte.weight", "head.weight"]);
  const one = await language("one", 3, ["wte.weight"]);
  const there = (await compareFiles(both, one)).distance;
  const back = (await compareFiles(one, both, { init: one })).distance;
  const { h } = there.layers;
  expect(there.layers).toEqual({ head: { euclidean: 2, cosine: expect.any(Number) }, h });
  expect(back.layers).toEqual({ wte: there.layers.head, h });
  expect([there.full.euclidean, back.from_init!.b.full.euclidean]).toEqual([Math.sqrt(8), Math.sqrt(8)]);
});

it("is a difference if nothing marks it as tied", async () => {
  const one = await language("alone", 3, ["wte.weight"]);
  const untied = await write("untied", new Map(["wte.weight", "head.weight", "h.weight"].map((n) => [n, matrix(1)])));
  await expect(compareFiles(untied, one)).rejects.toThrow("Only in");
  const other = await language("other", 3, ["lm.weight"]);
  const both = await language("pair", 1, ["wte.weight", "head.weight"]);
  await expect(compareFiles(both, other)).rejects.toThrow(`Only in ${both}: wte.weight, head.weight`);
});

it("is no difference for a built-in network, which defines its tied tensors, nor for a graph", async () => {
  const sizes = { blocks: 1, heads: 1, dim: 8, context: 4 };
  const { parameters, tied } = buildModel(await findNetwork("gpt"), sizes, () => undefined);
  const [dropped] = tied[0];
  const all = new Map(parameters.map(({ name, shape }) => [name, tensor("float32", shape)]));
  const some = new Map([...all].filter(([name]) => name !== dropped));
  const [a, b] = [await write("all", all), await write("some", some)];
  for (const ends of [
    [a, b],
    [b, a],
  ] as const) {
    await using opened = await openEnds({ a: ends[0], b: ends[1], model: { name: "gpt", sizes } });
    for (const end of [opened.a, opened.b]) expect(end.tensors.get(dropped)!.shape).toEqual(all.get(dropped)!.shape);
  }

  const names = ["wte.weight", "h.weight", "head.weight"];
  const graph = join(folder, "graph.onnx");
  const nodes = names.map((name, i) => ({ opType: "MatMul", input: [i ? `y${i - 1}` : "x", name], output: [`y${i}`] }));
  writeFileSync(graph, onnxBytes(new Map(names.map((name) => [name, matrix(1)])), nodes));
  const both = await language("first", 2, ["wte.weight", "head.weight"]);
  const one = await language("second", 3, ["wte.weight"]);
  {
    await using ends = await openEnds({ a: both, b: one, model: { name: graph } });
    expect(await ends.b.read("head.weight")).toEqual(matrix(3));
    expect(ends.tied).toEqual([["wte.weight", "head.weight"]]);
  }
  await using _ = await openEnds({ a: one, b: both, model: { name: graph } });
});

it("is also recognised through an index of several files", async () => {
  await language("part", 1, ["wte.weight", "head.weight"]);
  const index = join(folder, "index.json");
  const map = Object.fromEntries(["wte.weight", "head.weight", "h.weight"].map((name) => [name, "part"]));
  writeFileSync(index, JSON.stringify({ weight_map: map }));
  const file = await openCheckpoint(index);
  await file.close();
  expect(file.tied).toEqual([["wte.weight", "head.weight"]]);
});
