// A built-in network and a graph, with files that use different names.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { onnxBytes, temporaryFolder, writeTensors } from "../../test/checkpoints.ts";
import { openCheckpoint } from "../checkpoints/index.ts";
import { isFloating, type Tensor, tensor } from "../core/index.ts";
import { buildModel, dtypeOf, findNetwork } from "../models/index.ts";
import { openEnds } from "./pair.ts";

const folder = temporaryFolder();

async function write(name: string, tensors: ReadonlyMap<string, Tensor>): Promise<string> {
  const path = join(folder, name);
  await writeTensors(path, "safetensors", tensors);
  return path;
}

const renamed = (tensors: ReadonlyMap<string, Tensor>, rename: (name: string) => string) =>
  new Map([...tensors].map(([name, one]) => [rename(name), one]));

async function resnet(value: number): Promise<Map<string, Tensor>> {
  const { parameters } = buildModel(await findNetwork("resnet18"), { width: 2, classes: 3 }, () => undefined);
  const filled = (n: number) => new Array<number>(n).fill(value);
  return new Map(
    parameters.map((p) => [p.name, tensor(dtypeOf(p), p.shape, filled(p.shape.reduce((x, y) => x * y, 1)))]),
  );
}

it("finds a built-in network and its sizes under a prefix in both files, and ignores extra counters", async () => {
  const plain = await resnet(1);
  const counters = (tensors: ReadonlyMap<string, Tensor>) =>
    new Map([...tensors].map(([name, one]) => [name, isFloating(one.dtype) ? one : tensor("int64", [1], [4])]));
  const a = await write(
    "a",
    renamed(counters(plain).set("conv1.total_ops", tensor("float64", [1])), (name) => `model.${name}`),
  );
  const lightning = renamed(await resnet(3), (name) => `model._orig_mod.${name}`);
  const b = await write("b", lightning.set("criterion.weight", tensor("float32", [3])));
  const bare = await write("bare", plain);
  for (const [x, y, values] of [
    [a, b, [1, 3]],
    [b, bare, [3, 1]],
    [bare, a, [1, 1]],
  ] as const) {
    await using ends = await openEnds({ a: x, b: y, model: { name: "resnet18" } });
    expect([...ends.a.tensors.keys()].sort()).toEqual([...plain.keys()].sort());
    for (const [i, end] of [ends.a, ends.b].entries())
      expect((await end.read("layer4.1.conv2.weight")).data[0]).toBe(values[i]);
    expect(ends.layers.map(({ name }) => name)).toContain("layer4.1.conv2");
    // a merged file has a's names
    const file = await openCheckpoint(x);
    const again = await ends.openEnd(file);
    expect((await again.read("conv1.weight")).data[0]).toBe(values[0]);
    await file.close();
  }
});

it("reports what does not fit if the names belong to another network", async () => {
  const plain = await resnet(1);
  plain.delete("fc.bias");
  const a = await write(
    "c",
    renamed(plain, (name) => `model.${name}`),
  );
  await expect(openEnds({ a, b: a, model: { name: "resnet18" } })).rejects.toThrow("does not fit model resnet18");
});

it("uses each end's own key, and the names under it, for a graph", async () => {
  const matrix = (value: number) => tensor("float32", [4, 4], new Array<number>(16).fill(1).with(0, value));
  const names = ["fc1.weight", "fc2.weight"];
  const graph = join(folder, "graph.onnx");
  const nodes = names.map((name, i) => ({ opType: "MatMul", input: [i ? `y${i - 1}` : "x", name], output: [`y${i}`] }));
  writeFileSync(graph, onnxBytes(new Map(names.map((name) => [name, matrix(9)])), nodes));
  const network = (value: number) => new Map(names.map((name, i) => [name, matrix(value + i)]));
  const student = renamed(network(2), (name) => `student.${name}`);
  const teacher = renamed(network(5), (name) => `teacher.${name}`);
  const [a, b] = [await write("distilled", new Map([...student, ...teacher])), await write("alone", network(7))];
  await expect(openEnds({ a, b, model: { name: graph } })).rejects.toThrow(
    'in several places ("student", "teacher"). Choose one, such as --key a=student.',
  );
  await using ends = await openEnds({ a, b, keys: { a: "teacher" }, model: { name: graph } });
  expect([await ends.a.read("fc2.weight"), await ends.b.read("fc2.weight")]).toEqual([matrix(6), matrix(8)]);
});
