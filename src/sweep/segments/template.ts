// One network's forward pass as a graph in which every parameter is an input, and what each of its nodes depends on.
import type { Tensor } from "../../core/index.ts";
import { batchShape, type Dataset } from "../../data/index.ts";
import { Graph, type Node, nodesOf, type Value } from "../../graph/index.ts";
import { dtypeOf, type Parameter } from "../../models/index.ts";
import type { Pair } from "../../pairs/index.ts";

/** What segments ask of a network: its graph, where a mix takes each parameter from, and the tensor of a parameter from there. */
export interface SegmentedNetwork<M> extends Pick<Pair, "model" | "inputs"> {
  /** A parameter's source in a mix, as a key: mixes with equal keys use one tensor. */
  sourceOf(parameter: string, mix: M): string;
  /** The tensor of a parameter from a source. It is asked for when a segment needs it and let go after the segment. */
  weight(source: string, parameter: Parameter): Promise<Tensor>;
}

/**
 * `fixed`: on nothing. `weight`: on parameters only, such as one that is transposed. `common`: on the samples only, such as a mask; equal for all
 * mixes. `light`: on both, but on the parameters only through the shape of a value, so it is small. `own`: on both; every mix has its own.
 */
export type Kind = "fixed" | "weight" | "common" | "light" | "own";

export interface Template {
  /** Every named output, such as the loss. */
  readonly outputs: ReadonlyMap<string, Value>;
  kindOf(node: Node): Kind;
  /** The parameters that a value depends on. */
  parametersOf(value: Value): readonly Parameter[];
}

/** The outputs that `build` gives for inputs of a batch's shape and weights by name. */
export function makeTemplate(
  { model, inputs }: Pick<Pair, "model" | "inputs">,
  data: Dataset,
  batch: number,
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
  const shape = batchShape(data, batch);
  const labels = graph.input("labels", shape.labels.dtype, shape.labels.shape);
  const outputs = build(inputs(graph, shape), weights, labels);
  const kinds = new Map<Node, Kind>();
  for (const node of nodesOf(outputs.values())) kinds.set(node, kindOf(node, kinds, ownerOf));
  return {
    outputs,
    kindOf: (node) => kinds.get(node)!,
    parametersOf: (value) => nodesOf([value]).flatMap((node) => ownerOf.get(node) ?? []),
  };
}

function kindOf(node: Node, kinds: ReadonlyMap<Node, Kind>, ownerOf: ReadonlyMap<Node, Parameter>): Kind {
  const kind = kindOfResult(node, kinds, ownerOf);
  if (!node.foreign?.isRandom) return kind;
  return kind === "fixed" || kind === "common" ? "common" : "own"; // drawn once, whichever segments use it
}

function kindOfResult(node: Node, kinds: ReadonlyMap<Node, Kind>, ownerOf: ReadonlyMap<Node, Parameter>): Kind {
  if (node.op === "Input") return ownerOf.has(node) ? "weight" : "common";
  const inputs = new Set(node.inputs.flatMap((value) => (value ? [kinds.get(value.node)!] : [])));
  const isShape = node.op === "Shape" || node.op === "Size";
  if (inputs.has("own")) return isShape ? "light" : "own";
  const onSamples = inputs.has("common") || inputs.has("light");
  if (inputs.has("weight")) return onSamples ? "own" : isShape ? "fixed" : "weight";
  if (inputs.has("light")) return "light";
  return inputs.has("common") ? "common" : "fixed";
}
