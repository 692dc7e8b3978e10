// Ends that cannot be merged, reported before anything is written. Merged files that other programs read are in
// test/merge.test.ts.
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { onnxBytes, onnxTensor, readTensors, temporaryFolder, writeTensors } from "../../test/checkpoints.ts";
import { tensor } from "../core/index.ts";
import { merge } from "./merge.ts";

const folder = temporaryFolder();

/** An .onnx file of one matrix: an initialiser, or a constant of the graph. */
function writeGraph(name: string, value: number, nodes: Parameters<typeof onnxBytes>[1], initialiser = "w"): string {
  const path = join(folder, name);
  const matrix = tensor("float32", [4, 4], new Array<number>(16).fill(1).with(0, value));
  writeFileSync(path, onnxBytes(new Map([[initialiser, matrix]]), nodes));
  return path;
}

it("says why a weight of a graph cannot be replaced", async () => {
  const out = join(folder, "never.onnx");
  const constant = (value: number) =>
    writeGraph(`constant${value}.onnx`, value, [
      {
        opType: "Constant",
        output: ["c"],
        attribute: [{ name: "value", type: 4, t: onnxTensor("c", tensor("float32", [2], [value, 1])) }],
      },
      { opType: "Mul", input: ["x", "c"], output: ["y"] },
      { opType: "Mul", input: ["y", "w"], output: ["z"] },
    ]);
  const [a, b] = [constant(1), constant(3)];
  await expect(merge({ a, b, out })).rejects.toThrow(
    `${a} stores c as a constant of its graph, which cannot be replaced. Export the model again with its weights as initialisers.`,
  );
  // only where it changes
  await merge({ a, b, out, layers: ["w"] });
  expect((await readTensors(out)).get("w")!.data[0]).toBe(2);
  await merge({ a, b, out, alpha: 0 });
  expect((await readTensors(out)).get("w")!.data[0]).toBe(1);
  await expect(merge({ a, b, out, base: "b", layers: ["w"] })).rejects.toThrow(
    `${a} stores c as a constant of its graph`,
  );
});

it("merges a matrix that is one initialiser under two names in both files", async () => {
  const nodes = [
    { opType: "Identity", input: ["w"], output: ["v"] },
    { opType: "MatMul", input: ["x", "w"], output: ["y"] },
    { opType: "MatMul", input: ["y", "v"], output: ["z"] },
  ];
  const [a, b] = [2, 4].map((value) => writeGraph(`tied${value}.onnx`, value, nodes));
  const out = join(folder, "tied.onnx");
  expect((await merge({ a, b, out })).parameters).toEqual({ averaged: 16, all: 16 });
  expect((await readTensors(out)).get("w")!.data[0]).toBe(3);
});

it("leaves nothing behind when integers differ, which have no average", async () => {
  const quantised = async (name: string, value: number) => {
    const path = join(folder, name);
    const scales = tensor("float32", [1], [value]);
    await writeTensors(
      path,
      "npz",
      new Map([
        ["scales", scales],
        ["qweight", tensor("int8", [2], [value, 1])],
      ]),
    );
    return path;
  };
  const [a, b] = [await quantised("q1", 1), await quantised("q2", 2)];
  const out = join(folder, "q.npz");
  await expect(merge({ a, b, out })).rejects.toThrow("integer tensors that differ (qweight)");
  expect([out, `${out}.merge.json`].map(existsSync)).toEqual([false, false]);
});

it("merges a tied tensor that one file has under both names and the other under one", async () => {
  const write = async (name: string, value: number, names: readonly string[]) => {
    const path = join(folder, name);
    const tensors = new Map(names.map((one) => [one, tensor("float32", [2], [value, 1])]));
    const tied = names.length > 1 ? { tied: JSON.stringify([names]) } : undefined;
    await writeTensors(path, "safetensors", tensors, tied);
    return path;
  };
  const names = ["wte.weight", "head.weight"];
  const [both, one] = [await write("both.safetensors", 2, names), await write("one.safetensors", 4, ["wte.weight"])];
  const out = join(folder, "merged.safetensors");
  await merge({ a: both, b: one, out });
  expect([...(await readTensors(out))].map(([name, { data }]) => [name, data[0]])).toEqual(names.map((n) => [n, 3]));
  await merge({ a: one, b: both, out });
  expect([...(await readTensors(out))].map(([name, { data }]) => [name, data[0]])).toEqual([["wte.weight", 3]]);
});
