// Traits of a model's nodes that matter for a measurement: random numbers, and normalisation by batch statistics.
import type { FunctionProto, ModelProto, NodeProto } from "onnx-buf";
import { deepNodes, type Functions, functionsOf, type Inner, innerNodes, keyOfFunction } from "./nodes.ts";

export interface Traits {
  /**
   * Nodes of the graph that draw random numbers, directly or in their subgraphs and functions; they are never merged.
   */
  readonly random: ReadonlySet<NodeProto>;
  /** The operations that draw in them, such as `Bernoulli` and `RandomNormalLike within Loop`. */
  readonly draws: readonly string[];
  /** True when all of those have a seed. */
  readonly isSeeded: boolean;
  /** Values that are running statistics of a batch normalisation, wherever it is. */
  readonly statistics: ReadonlySet<string>;
  /** True where a normalisation uses the statistics of its batch (training mode). */
  readonly usesBatch: boolean;
  /** Normalisations of the graph itself that use running statistics. */
  readonly norms: ReadonlySet<NodeProto>;
}

const drawing = new Set([
  "RandomNormal",
  "RandomNormalLike",
  "RandomUniform",
  "RandomUniformLike",
  "Multinomial",
  "Bernoulli",
]);

/** Dropout draws random numbers in training mode. Dropouts with an unused mask are removed before this check. */
const draws = ({ domain, opType, input }: NodeProto): boolean =>
  domain === "" && (drawing.has(opType) || (opType === "Dropout" && Boolean(input[2])));

const isNorm = ({ domain, opType }: NodeProto): boolean => domain === "" && opType === "BatchNormalization";

/** The operator set of the standard domain; undefined where it is not imported. */
export const standardVersion = (
  opsets: readonly Pick<ModelProto["opsetImport"][number], "domain" | "version">[],
): number | undefined => {
  const own = opsets.find(({ domain }) => domain === "");
  return own && Number(own.version);
};

/**
 * True for training mode: since operator set 14 an attribute, before that the presence of batch statistics as outputs.
 */
export function isByBatch(node: NodeProto, version = 14): boolean {
  if (!isNorm(node)) return false;
  if (version < 14) return node.output.slice(1).some((name) => name !== "");
  return node.attribute.some(({ name, i }) => name === "training_mode" && i === 1n);
}

/** The traits of a model's nodes, without functions that are never called. */
export function traitsOf(model: {
  readonly graph?: { readonly node: readonly NodeProto[] };
  readonly functions: ModelProto["functions"];
  readonly opsetImport: Parameters<typeof standardVersion>[0];
}): Traits {
  const functions = functionsOf(model);
  const nodes = model.graph!.node;
  const random = new Set<NodeProto>();
  const drawn: Inner[] = [];
  for (const node of nodes)
    for (const inner of innerNodes(node, functions))
      if (draws(inner.node)) {
        random.add(node);
        drawn.push(inner);
      }
  const version = standardVersion(model.opsetImport);
  const called = calledFrom(nodes, functions);
  const lists = [
    { node: nodes, version },
    ...called.map(({ node, opsetImport }) => ({ node, version: standardVersion(opsetImport) })),
  ];
  return {
    random,
    draws: [...new Set(drawn.map(({ node, within }) => [node.opType, ...within].join(" within ")))],
    isSeeded: drawn.every(({ node }) => node.attribute.some(({ name }) => name === "seed")),
    statistics: statisticNames(nodes, functions, new Map(), new Set(nodes)),
    usesBatch: lists.some(({ node, version }) => [...deepNodes(node)].some((one) => isByBatch(one, version))),
    norms: new Set(nodes.filter((node) => isNorm(node) && !isByBatch(node, version))),
  };
}

function calledFrom(
  nodes: readonly NodeProto[],
  functions: Functions,
  found = new Set<FunctionProto>(),
): FunctionProto[] {
  for (const node of deepNodes(nodes)) {
    const body = functions.get(keyOfFunction(node));
    if (!body || found.has(body)) continue;
    found.add(body);
    calledFrom(body.node, functions, found);
  }
  return [...found];
}

function statisticNames(
  nodes: readonly NodeProto[],
  functions: Functions,
  known: Map<FunctionProto, ReadonlySet<string>>,
  // of the graph: an Identity there is an equal tensor, which may be another one in the next file
  outer: ReadonlySet<NodeProto> = new Set(),
): Set<string> {
  const found = new Set<string>();
  for (const node of [...deepNodes(nodes)].reverse()) {
    const body = functions.get(keyOfFunction(node));
    if (body) {
      const inner = known.get(body) ?? statisticNames(body.node, functions, known);
      known.set(body, inner);
      for (const [i, name] of body.input.entries()) if (inner.has(name)) found.add(node.input[i]);
    } else if (isNorm(node)) for (const name of node.input.slice(3, 5)) found.add(name);
    else if (node.opType === "Identity" && !outer.has(node) && found.has(node.output[0])) found.add(node.input[0]);
  }
  return found;
}
