// Distances of ONNX files include every weight, wherever the exporter stored it, as in a measurement.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { onnxBytes, onnxTensor, temporaryFolder } from "../../test/checkpoints.ts";
import { type Tensor, tensor } from "../core/index.ts";
import { compareFiles } from "../distance/index.ts";
import { openEnds } from "./pair.ts";

const folder = temporaryFolder();
type Nodes = NonNullable<Parameters<typeof onnxBytes>[1]>;

function write(name: string, tensors: Record<string, Tensor>, nodes: Nodes): string {
  const path = join(folder, `${name}.onnx`);
  writeFileSync(path, onnxBytes(new Map(Object.entries(tensors)), nodes));
  return path;
}

/**
 * x times each weight in turn. `copies` are names for the initialiser of another name: PyTorch's form for equal
 * tensors.
 */
const chain = (names: readonly string[], copies: Record<string, string> = {}): Nodes => [
  ...Object.entries(copies).map(([name, of]) => ({ opType: "Identity", input: [of], output: [name] })),
  ...names.map((name, i) => ({ opType: "Mul", input: [i ? `y${i - 1}` : "x", name], output: [`y${i}`] })),
];

const filled = (value: number, ...shape: number[]) => {
  const size = shape.reduce((product, n) => product * n, 1);
  return tensor("float32", shape, new Array<number>(size).fill(value));
};

const distances = async (...[a, b, init]: string[]) => {
  const { distance } = await compareFiles(a, b, { init });
  return Object.fromEntries(Object.entries(distance.layers).map(([name, { euclidean }]) => [name, euclidean]));
};

it("separates tensors that are equal in only one file, in either order", async () => {
  const names = ["bn1.weight", "bn2.weight"];
  const fresh = write("fresh", { "bn1.weight": filled(1, 4) }, chain(names, { "bn2.weight": "bn1.weight" }));
  const trained = write("trained", { "bn1.weight": filled(11, 4), "bn2.weight": filled(2, 4) }, chain(names));
  expect(await distances(fresh, trained)).toEqual({ bn1: 20, bn2: 2 });
  expect(await distances(trained, fresh)).toEqual({ bn1: 20, bn2: 2 });
  expect(await distances(trained, trained, fresh)).toEqual({ bn1: 0, bn2: 0 });
  expect(await distances(fresh, fresh)).toEqual({ bn1: 0, bn2: 0 }); // as in a measurement
});

it("treats a matrix that is one initialiser in every file as one layer", async () => {
  const nodes = chain(["wte.weight", "head.weight"], { "head.weight": "wte.weight" });
  const [a, b] = [1, 3].map((value) => write(`tied${value}`, { "wte.weight": filled(value, 4, 4) }, nodes));
  expect(await distances(a, b)).toEqual({ head: 8 });
});

it("counts constants that differ, with the layers of a measurement", async () => {
  const constant = (value: number): Nodes => [
    {
      opType: "Constant",
      output: ["w1"],
      attribute: [{ name: "value", type: 4, t: onnxTensor("w1", filled(value, 4)) }],
    },
    { opType: "Constant", output: ["same"], attribute: [{ name: "value", type: 4, t: onnxTensor("s", filled(5, 4)) }] },
    ...chain(["w1", "same", "b.weight", "scale"]),
  ];
  const [a, b] = [1, 3].map((value) =>
    write(`constant${value}`, { "b.weight": filled(value, 9), scale: filled(value) }, constant(value)),
  );
  const lifted = write(
    "lifted",
    { w1: filled(3, 4), "b.weight": filled(3, 9), scale: filled(3), same: filled(5, 4) },
    chain(["w1", "same", "b.weight", "scale"]),
  );
  const wanted = { w1: 4, b: 6, scale: 2 };
  expect(await distances(a, b)).toEqual(wanted);
  expect(await distances(a, lifted)).toEqual(wanted);
  await using ends = await openEnds({ a, b, model: {} });
  expect(ends.layers.map(({ name }) => name)).toEqual(Object.keys(wanted));
});

it("reports integer tensors that differ", async () => {
  const nodes = chain(["q", "scale.weight"]);
  const [a, b] = [1, 3].map((value) =>
    write(`whole${value}`, { q: tensor("int8", [2], [value, 0]), "scale.weight": filled(value, 4) }, nodes),
  );
  const { notes, layers } = await compareFiles(a, b);
  expect(notes).toEqual([
    "The distances exclude integer tensors that differ (q). If they are quantised, give the float models.",
  ]);
  expect(layers.map(({ name }) => name)).toEqual(["scale"]);
  await expect(openEnds({ a, b, model: {} })).rejects.toThrow(
    "give the float models. --layers does not leave them out: they are in no layer.",
  );
});

it("notes values that the export computed from parameters", async () => {
  const nodes = chain(["exp", "fc.weight"]);
  const [a, b] = [1, 3].map((value) =>
    write(`computed${value}`, { exp: filled(value), "fc.weight": filled(value, 4) }, nodes),
  );
  await using ends = await openEnds({ a, b, model: {} });
  expect(ends.notes).toEqual([
    "The export computed exp from parameters, so these values are averaged instead of the parameters. To average the parameters, export with optimize=False.",
  ]);
  await using same = await openEnds({ a, b: a, model: {} });
  expect(same.notes).toEqual([]);
});

it("says that one of two graphs may have been simplified", async () => {
  const [a, b] = [["w.weight"], ["w.weight", "w.weight"]].map((names) =>
    write(`simple${names.length}`, { "w.weight": filled(1, 4) }, chain(names)),
  );
  await expect(compareFiles(a, b)).rejects.toThrow(
    "one has 1 operations, the other 2. Export two checkpoints of one architecture in the same way, and simplify (onnxslim, onnxsim) or optimise both or neither.",
  );
});
