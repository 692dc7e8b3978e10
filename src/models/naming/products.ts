// Finds the bias that belongs to each weight of a graph, and the weights of each node that takes several: a
// normalisation, a recurrent layer. Exporters rename a matrix that they transpose, but not its bias, so names alone
// would split a module into two layers.
import { sizeOf } from "../../core/index.ts";
import type { ForeignModel, Held } from "../../graph/index.ts";

const products = new Set(["MatMul", "Gemm", "Conv", "ConvTranspose", "FusedMatMul"]);
/** Operations that change only the form of a value, not its elements. */
const forms = new Set(["Cast", "Identity", "Transpose", "Reshape", "Squeeze", "Unsqueeze", "Flatten"]);

type Node = ForeignModel["nodes"][number];

/** The input positions of the parameters of operations that take several of one layer. */
const places: Readonly<Record<string, readonly number[]>> = {
  BatchNormalization: [1, 2, 3, 4],
  InstanceNormalization: [1, 2],
  LayerNormalization: [1, 2],
  GroupNormalization: [1, 2],
  LSTM: [1, 2, 3, 7],
  GRU: [1, 2, 3],
  RNN: [1, 2, 3],
  Attention: [1, 2], // of com.microsoft
};

type Graph = Pick<ForeignModel, "nodes" | "held">;

interface Uses {
  users: ReadonlyMap<string, readonly Node[]>;
  /** The weight that a value comes from, possibly in another form. */
  weightBehind(name: string): Held | undefined;
  /** The nodes that use a weight's elements. */
  usesOf(name: string): Node[];
}

function followWeights({ nodes, held }: Graph): Uses {
  const weights = new Map(held.map((one) => [one.name, one]));
  const makers = new Map<string, Node>();
  const users = new Map<string, Node[]>();
  for (const node of nodes) {
    for (const name of node.output) makers.set(name, node);
    for (const name of node.input) {
      const some = users.get(name);
      if (some) some.push(node);
      else users.set(name, [node]);
    }
  }
  const usesOf = (name: string): Node[] =>
    (users.get(name) ?? []).flatMap((node) =>
      forms.has(node.opType) && node.input[0] === name ? usesOf(node.output[0]) : [node],
    );
  return {
    users,
    usesOf,
    weightBehind(name) {
      let at = name;
      for (let node = makers.get(at); node && forms.has(node.opType); node = makers.get(at)) at = node.input[0];
      return weights.get(at);
    },
  };
}

/** The names of the parameters that a node takes together and nothing else uses. */
export function takenTogether(graph: Graph): string[][] {
  const { weightBehind, usesOf } = followWeights(graph);
  return graph.nodes.flatMap((node) => {
    const own = (places[node.opType] ?? []).flatMap((place) =>
      node.input[place] ? (weightBehind(node.input[place]) ?? []) : [],
    );
    const names = [...new Set(own.map(({ name }) => name))].filter((name) => usesOf(name).every((use) => use === node));
    return names.length > 1 ? [names] : [];
  });
}

/**
 * The bias of each weight, by name: the only tensor that is added to its products and to no others. It must have one
 * element per channel, so a table of positions is not a bias.
 */
export function biasesOf(graph: Graph): Map<string, string> {
  const { users, weightBehind, usesOf } = followWeights(graph);
  /** The sum that a product is part of, if it is used nowhere else. */
  const sumOf = (product: Node): Node | undefined => {
    let node = product;
    for (;;) {
      const [next, ...others] = users.get(node.output[0]) ?? [];
      if (!next || others.length) return undefined;
      if (next.opType === "Add") return next;
      if (!forms.has(next.opType) || next.input[0] !== node.output[0]) return undefined;
      node = next;
    }
  };
  const addendOf = (product: Node): { bias: Held; at: Node } | undefined => {
    const own = product.opType === "MatMul" || product.opType === "FusedMatMul" ? undefined : product.input[2];
    const sum = own ? product : sumOf(product);
    const [bias] = (own ? [own] : (sum?.input ?? [])).flatMap((name) => weightBehind(name) ?? []);
    return bias && sum && { bias, at: sum };
  };

  const pairs = new Map<string, { bias: string; sums: Node[] }>();
  for (const node of graph.nodes) {
    if (!products.has(node.opType)) continue;
    const [weight, ...others] = node.input.slice(0, 2).flatMap((name) => weightBehind(name) ?? []);
    if (!weight || others.length || pairs.has(weight.name)) continue;
    const uses = usesOf(weight.name);
    const added = uses.map((use) => (products.has(use.opType) ? addendOf(use) : undefined));
    const bias = added[0]?.bias;
    if (!bias || !isOfChannels(bias, weight) || added.some((one) => one?.bias !== bias)) continue;
    pairs.set(weight.name, { bias: bias.name, sums: added.map((one) => one!.at) });
  }
  return new Map(
    [...pairs]
      .filter(([, { bias, sums }]) => usesOf(bias).every((use) => sums.includes(use)))
      .map(([weight, { bias }]) => [weight, bias]),
  );
}

/** True for a bias with one element for each channel of a weight. */
function isOfChannels(bias: Held, weight: Held): boolean {
  const size = sizeOf(bias.shape);
  const isVector = bias.shape.filter((n) => n !== 1).length <= 1;
  return isVector ? weight.shape.includes(size) : weight.shape.join().endsWith(`,${bias.shape.join()}`);
}
