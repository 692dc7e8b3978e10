// Where a network's graph is cut. Its nodes are walked in the graph's own order; between two of them the values that were made before and are
// used after are what a mix carries along. The graph is cut where that is one value (after each layer of a chain, after each residual sum),
// so equal blocks give equal segments. A network that is nowhere so narrow is cut where it is narrowest.
import { type Node, nodesOf, type Value } from "../../graph/index.ts";
import type { Parameter } from "../../models/index.ts";
import type { Template } from "./template.ts";

/** A value of the weights that a segment uses: a parameter, or what is made of some. */
export interface Held {
  readonly value: Value;
  readonly parameters: readonly Parameter[];
}

export interface Segment {
  /** In the graph's order. */
  readonly nodes: readonly Node[];
  /** What it takes: a mix's own values made before, values of the samples, values of the weights. */
  readonly enters: readonly Value[];
  readonly commons: readonly Value[];
  readonly held: readonly Held[];
  /** What it makes for later segments. */
  readonly leaves: readonly Value[];
  /** Keys of all values that later segments use, whichever segment made them. */
  readonly live: ReadonlySet<string>;
  /** The template's outputs that it makes. */
  readonly outputs: ReadonlyMap<string, Value>;
  /** In the order of their first use. */
  readonly parameters: readonly Parameter[];
}

/** The network's segments in order; one where it cannot be cut. `belong` says which of two that follow each other stay one. */
export function cutIntoSegments(
  template: Template,
  belong: (before: Segment, next: Segment) => boolean = () => false,
): Segment[] {
  const isOwn = (node: Node) => ["own", "light"].includes(template.kindOf(node));
  const nodes = nodesOf(template.outputs.values()).filter(isOwn);
  const lastUse = lastUses(nodes);
  const segments: Segment[] = [];
  let end = 0;
  for (const piece of narrowPieces(nodes, lastUse, template)) {
    end += piece.length;
    const next = segmentOf(piece, end, lastUse, template);
    const before = segments.at(-1);
    if (before && belong(before, next))
      segments[segments.length - 1] = segmentOf([...before.nodes, ...piece], end, lastUse, template);
    else segments.push(next);
  }
  return segments;
}

/** The place of the last node that uses a value, by the value's key. */
function lastUses(nodes: readonly Node[]): Map<string, number> {
  const last = new Map<string, number>();
  nodes.forEach((node, i) => {
    for (const input of node.inputs) if (input) last.set(input.key, i);
  });
  return last;
}

function narrowPieces(nodes: readonly Node[], lastUse: ReadonlyMap<string, number>, template: Template): Node[][] {
  const widths = new Array<number>(nodes.length).fill(0); // of the cut after each node
  nodes.forEach((node, i) => {
    if (template.kindOf(node) === "light") return;
    for (const { key } of node.outputs) for (let at = i; at < (lastUse.get(key) ?? 0); at++) widths[at]++;
  });
  const usesWeights = (node: Node) => node.inputs.some((v) => v && template.kindOf(v.node) === "weight");
  const first = nodes.findIndex(usesWeights);
  const last = nodes.findLastIndex(usesWeights);
  const narrowest = Math.max(1, Math.min(...widths.slice(first, last)));
  const pieces: Node[][] = [[]];
  nodes.forEach((node, i) => {
    pieces.at(-1)!.push(node);
    if (i < nodes.length - 1 && widths[i] <= narrowest) pieces.push([]);
  });
  return joined(pieces, usesWeights);
}

/** Operations that finish the product before them when their other operand is a weight: a bias, a scale, a normalisation that the runtime folds. */
const finishing = new Set(["Add", "Sub", "Mul", "Div", "BatchNormalization", "PRelu"]);

/** Pieces without weights, and those that only finish the one before, are part of it. */
function joined(pieces: readonly Node[][], usesWeights: (node: Node) => boolean): Node[][] {
  const result: Node[][] = [];
  for (const piece of pieces) {
    const before = result.at(-1);
    const isOpen = before && !before.some(usesWeights); // the first piece may be without weights itself
    const finishes = finishing.has(piece[0].op) && usesWeights(piece[0]);
    if (before && (isOpen || finishes || !piece.some(usesWeights))) before.push(...piece);
    else result.push([...piece]);
  }
  return result;
}

/** A product takes a transposed weight as it is, without moving its elements, so the transposition stays in the segment. */
function untransposed(value: Value, template: Template): Value {
  const [from] = value.node.inputs;
  return value.node.op === "Transpose" && from?.node.op === "Input" && template.kindOf(from.node) === "weight"
    ? from
    : value;
}

function segmentOf(
  nodes: readonly Node[],
  end: number,
  lastUse: ReadonlyMap<string, number>,
  template: Template,
): Segment {
  const within = new Set(nodes);
  const taken = new Map<string, Value>();
  for (const node of nodes)
    for (const input of node.inputs)
      if (input && !within.has(input.node)) {
        const value = untransposed(input, template);
        taken.set(value.key, value);
      }
  const of = (...kinds: string[]) => [...taken.values()].filter(({ node }) => kinds.includes(template.kindOf(node)));
  const enters = of("own", "light");
  const held = of("weight").map((value) => ({ value, parameters: template.parametersOf(value) }));
  const isUsedLater = ({ key }: Value) => (lastUse.get(key) ?? -1) >= end;
  const leaves = nodes.flatMap((node) => node.outputs).filter(isUsedLater);
  const parameters = new Map(held.flatMap((one) => one.parameters).map((p) => [p.name, p]));
  return {
    nodes,
    enters,
    commons: of("common"),
    held,
    leaves,
    live: new Set([...lastUse].filter(([, at]) => at >= end).map(([key]) => key)),
    outputs: new Map([...template.outputs].filter(([, value]) => within.has(value.node))),
    parameters: [...parameters.values()],
  };
}
