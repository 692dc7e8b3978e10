// Values that depend only on the samples: inputs, labels, masks made from them. They are equal for all mixes, computed
// once for a chunk, and fed to every segment that uses them.
import type { Tensor } from "../../core/index.ts";
import { Graph, rebuild } from "../../graph/index.ts";
import type { Segment } from "./cuts.ts";
import type { Sessions } from "./sessions.ts";

export type CommonValues = ReadonlyMap<string, Tensor>;

/**
 * Computes the common values of all segments for a chunk; `samples` by input name, the result by keys in the template.
 */
export async function computeCommonValues(
  segments: readonly Segment[],
  sessions: Sessions,
  samples: Readonly<Record<string, Tensor>>,
): Promise<CommonValues> {
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
