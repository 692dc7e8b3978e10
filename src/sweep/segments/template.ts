// A network's forward pass as a graph in which every parameter is an input, and what each node depends on.
import type { Tensor } from "../../core/index.ts";
import { batchShape, type Dataset } from "../../data/index.ts";
import { Graph, type Node, nodesOf, type Value } from "../../graph/index.ts";
import { dtypeOf, type Parameter } from "../../models/index.ts";
import type { Pair } from "../../pairs/index.ts";

/**
 * A network as segments need it: its graph, a mix's source for each parameter, and a parameter's tensor from a source.
 */
export interface SegmentedNetwork<M> extends Pick<Pair, "model" | "inputs"> {
  /** A parameter's source in a mix, as a key; mixes with equal keys use the same tensor. */
  sourceOf(parameter: string, mix: M): string;
  /** The tensor of a parameter from a source, read when a segment needs it and released after the segment. */
  weight(source: string, parameter: Parameter): Promise<Tensor>;
}

/**
 * What a node depends on. `fixed`: nothing. `weight`: only parameters, such as a transposed one. `common`: only the
 * samples, such as a mask; equal for all mixes. `own`: both, so every mix has its own. `light`: both, but the
 * parameters only through the shape of a value, so it is small.
 */
export type NodeKind = "fixed" | "weight" | "common" | "light" | "own";

export interface Template {
  /** Every named output, such as the loss. */
  readonly outputs: ReadonlyMap<string, Value>;
  kindOf(node: Node): NodeKind;
  /** The parameters that a value depends on. */
  parametersOf(value: Value): readonly Parameter[];
}

/** Makes the template whose outputs `build` returns, for inputs of a chunk's shape and weights by name. */
export function makeTemplate(
  { model, inputs }: Pick<Pair, "model" | "inputs">,
  data: Dataset,
  chunkSize: number,
  build: (
    inputs: Readonly<Record<string, Value>>,
    weights: (name: string) => Value,
    labels: Value,
  ) => Map<string, Value>,
): Template {
  const graph = new Graph();
  const parameters = new Map(model.parameters.map((p) => [p.name, p]));
  const ownerOf = new Map<Node, Parameter>();
  const weights = (name: string) => {
    const parameter = parameters.get(name)!;
    const value = graph.input(`weight ${name}`, dtypeOf(parameter), parameter.shape);
    ownerOf.set(value.node, parameter);
    return value;
  };
  const shape = batchShape(data, chunkSize);
  const labels = graph.input("labels", shape.labels.dtype, shape.labels.shape);
  const outputs = build(inputs(graph, shape), weights, labels);
  const kinds = new Map<Node, NodeKind>();
  for (const node of nodesOf(outputs.values())) kinds.set(node, findKind(node, kinds, ownerOf));
  return {
    outputs,
    kindOf: (node) => kinds.get(node)!,
    parametersOf: (value) => nodesOf([value]).flatMap((node) => ownerOf.get(node) ?? []),
  };
}

function findKind(node: Node, kinds: ReadonlyMap<Node, NodeKind>, ownerOf: ReadonlyMap<Node, Parameter>): NodeKind {
  const kind = findKindByInputs(node, kinds, ownerOf);
  if (!node.foreign?.isRandom) return kind;
  return kind === "fixed" || kind === "common" ? "common" : "own"; // drawn once, also if several segments use it
}

function findKindByInputs(
  node: Node,
  kinds: ReadonlyMap<Node, NodeKind>,
  ownerOf: ReadonlyMap<Node, Parameter>,
): NodeKind {
  if (node.op === "Input") return ownerOf.has(node) ? "weight" : "common";
  const inputs = new Set(node.inputs.flatMap((value) => (value ? [kinds.get(value.node)!] : [])));
  const isShape = node.op === "Shape" || node.op === "Size";
  if (inputs.has("own")) return isShape ? "light" : "own";
  const onSamples = inputs.has("common") || inputs.has("light");
  if (inputs.has("weight")) return onSamples ? "own" : isShape ? "fixed" : "weight";
  if (inputs.has("light")) return "light";
  return inputs.has("common") ? "common" : "fixed";
}
