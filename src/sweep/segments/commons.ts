// What depends on the samples alone: the inputs, the labels, masks made of them. Computed once for a batch and fed to every segment that uses it.
import type { Tensor } from "../../core/index.ts";
import { Graph, rebuild } from "../../graph/index.ts";
import type { Segment } from "./cuts.ts";
import type { Sessions } from "./sessions.ts";

export type Commons = ReadonlyMap<string, Tensor>;

/** Makes the common values of all segments, by their keys in the template, of the samples of a batch by name. */
export async function commonsOf(
  segments: readonly Segment[],
  sessions: Sessions,
  samples: Readonly<Record<string, Tensor>>,
): Promise<Commons> {
  const all = [...new Map(segments.flatMap(({ commons }) => commons.map((v) => [v.key, v] as const))).values()];
  const made = all.filter(({ node }) => node.op !== "Input");
  const graph = new Graph();
  const find = rebuild(graph, made, ({ node, known }) =>
    node.op === "Input" ? graph.input(String(node.attributes.name), known!.dtype, known!.shape) : undefined,
  );
  const outputs = Object.fromEntries(made.map((value) => [value.key, find(value)]));
  const computed = made.length ? await (await sessions.fed(outputs)).run(samples) : {};
  return new Map(all.map(({ key, node }) => [key, computed[key] ?? samples[String(node.attributes.name)]]));
}
