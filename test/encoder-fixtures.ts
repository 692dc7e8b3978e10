// The networks of shared/fixtures/encoders, measured and compared with what the libraries gave: losses and barriers to
// 5e-6 of themselves, logits to 1e-5 of the largest.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { type Measurement, measure } from "../src/connectivity/index.ts";
import { convert, type Tensor, toNumbers } from "../src/core/index.ts";
import { Graph, inputNames, serialise } from "../src/graph/index.ts";
import { attachTexts, openWeights, readModelFolder, readStateDict } from "../src/hub/index.ts";
import type { Grouping } from "../src/models/index.ts";
import { Session } from "../src/runtime/index.ts";
import { readTensors, writeNew } from "./checkpoints.ts";
import { sharedPath } from "./shared.ts";

interface Value {
  readonly loss: number;
  readonly error: number | null;
}
interface Barrier extends Value {
  readonly loss_barrier: number;
  readonly error_barrier: number | null;
}
export interface Expected {
  readonly samples: number;
  readonly architecture: string;
  readonly largest_logit: Readonly<Record<"a" | "b", number>>;
  readonly ends: Readonly<Record<"a" | "b", Value>>;
  readonly full: Readonly<Record<"base_a" | "base_b", Barrier>>;
  readonly blocks: readonly Group[];
  readonly modules?: readonly Group[];
  readonly classes?: string[];
}
interface Group {
  readonly name: string;
  readonly keys: readonly string[];
  readonly base_a: Barrier;
  readonly base_b: Barrier;
}

export const encoders = (...path: string[]): string => join(sharedPath("fixtures/encoders"), ...path);
export const expectedOf = (variant: string): Expected =>
  JSON.parse(readFileSync(encoders(variant, "expected.json"), "utf8"));

/** The inputs and labels of a variant, as an .npz by their own names. */
export async function fixtureArrays(variant: string): Promise<Map<string, Tensor>> {
  const stored = await readTensors(encoders(variant, "expected.npz"));
  const own = [...stored].flatMap(([name, tensor]): [string, Tensor][] => {
    if (name === "labels" || name === "logits_a") return [[name, tensor]];
    return name.startsWith("input_") ? [[name.slice("input_".length), tensor]] : [];
  });
  return new Map(own);
}

const near = (value: number, wanted: number, most: number, what: string) =>
  expect(Math.abs(value - wanted), `${what}: ${value}, not ${wanted}`).toBeLessThan(most);

/** Measures a variant from its arrays and compares everything. `suffix` chooses the ends' other layout, `-old`. */
export async function expectFixture(
  variant: string,
  group: Grouping = "block",
  suffix = "",
  model: Parameters<typeof measure>[0]["model"] = {},
): Promise<Measurement> {
  const expected = expectedOf(variant);
  const [a, b] = ["a", "b"].map((end) => encoders(variant, end + suffix));
  const path = await writeNew(Object.fromEntries(await fixtureArrays(variant)), "npz");
  const data = { name: `npz:${path}` };
  const { document } = await measure({ a, b, model, data, group, scans: ["single", "full"] });
  const groups = group === "module" ? expected.modules! : expected.blocks;
  expect(document.data.samples).toBe(expected.samples);
  expect(document.layers.map(({ name }) => name)).toEqual(groups.map(({ name }) => name));
  for (const [i, { parameters }] of document.layers.entries())
    expect(parameters, groups[i].name).toEqual(expect.arrayContaining([...groups[i].keys]));
  for (const end of ["a", "b"] as const) {
    const { loss, error } = expected.ends[end];
    near(document.ends[end].loss!, loss, 5e-6 * loss, end);
    if (error === null) expect(document.ends[end].error ?? null).toBeNull();
    else near(document.ends[end].error!, error, 1e-3, `the error of ${end}`);
  }
  for (const cell of document.cells) {
    const layer = groups.find(({ name }) => name === cell.layer);
    const wanted = (cell.scan === "full" ? expected.full : layer!)[cell.base === "b" ? "base_b" : "base_a"];
    const what = `${cell.scan} ${cell.layer} on ${cell.base}`;
    near(cell.loss!.value!, wanted.loss, 5e-6 * Math.abs(wanted.loss), what);
    near(cell.loss!.barrier!, wanted.loss_barrier, 5e-6 * Math.max(wanted.loss, expected.ends.a.loss), what);
    if (wanted.error_barrier !== null) near(cell.error!.barrier!, wanted.error_barrier, 1e-3, what);
  }
  return document;
}

/** What CLIP compares images with. */
type Texts = Parameters<typeof attachTexts>[1];

/** The scores that a folder's network gives to arrays by its inputs' names. */
export async function logitsOf(
  path: string,
  arrays: ReadonlyMap<string, Tensor>,
  texts: Texts = {},
): Promise<Float64Array> {
  const read = path.endsWith(".pth") ? await readStateDict(path) : await readModelFolder(path);
  const folder = await attachTexts(read, texts);
  const { parameters, forward } = folder.network;
  const graph = new Graph();
  const inputs = Object.fromEntries(
    [...arrays].map(([name, { dtype, shape }]) => [name, graph.input(name, dtype, shape)]),
  );
  const shapes = new Map(parameters.map((p) => [p.name, p.shape]));
  const scores = forward(inputs, (name) => graph.input(`w:${name}`, "float32", shapes.get(name)!));
  const file = await openWeights(folder);
  const fed: Record<string, Tensor> = Object.fromEntries(arrays);
  for (const name of inputNames([scores]))
    if (name.startsWith("w:")) fed[name] = convert(await file.read(name.slice(2)), "float32");
  await file.close();
  const session = await Session.load(serialise({ scores }));
  const result = await session.run(fed);
  await session.dispose();
  return Float64Array.from(toNumbers(result.scores));
}

/** Compares the scores of end a with the library's. */
export async function expectLogits(variant: string, suffix = "", texts: Texts = {}): Promise<void> {
  const arrays = await fixtureArrays(variant);
  const wanted = toNumbers(arrays.get("logits_a")!);
  for (const name of ["labels", "logits_a"]) arrays.delete(name);
  const own = await logitsOf(encoders(variant, `a${suffix}`), arrays, texts);
  expect(own.length).toBe(wanted.length);
  const most = own.reduce((largest, value, i) => Math.max(largest, Math.abs(value - wanted[i])), 0);
  expect(most).toBeLessThan(1e-5 * expectedOf(variant).largest_logit.a);
}
