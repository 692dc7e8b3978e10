// Where a network's graph is cut into segments. At a cut, a mix carries the values that are computed before it and used
// after it. The graph is cut wherever that is one value (after each layer of a chain, after each residual sum), so
// equal blocks give equal segments. A network without such a place is cut where it carries the fewest values.
import { type Node, nodesOf, type Value } from "../../graph/index.ts";
import type { Parameter } from "../../models/index.ts";
import type { Template } from "./template.ts";

/** A value of the weights that a segment uses: a parameter, or a value computed from parameters only. */
export interface Held {
  readonly value: Value;
  readonly parameters: readonly Parameter[];
}

export interface Segment {
  /** In the graph's order. */
  readonly nodes: readonly Node[];
  /** Its inputs: a mix's values from earlier segments, values of the samples, values of the weights. */
  readonly enters: readonly Value[];
  readonly commons: readonly Value[];
  readonly held: readonly Held[];
  /** The values that it computes for later segments. */
  readonly leaves: readonly Value[];
  /** Keys of all values that later segments use, whichever segment computed them. */
  readonly live: ReadonlySet<string>;
  /** The template's outputs that it computes. */
  readonly outputs: ReadonlyMap<string, Value>;
  /** In the order of their first use. */
  readonly parameters: readonly Parameter[];
}

/**
 * The network's segments in order; one where it cannot be cut. `shouldJoin` decides whether two neighbours stay one
 * segment.
 */
export function cutIntoSegments(
  template: Template,
  shouldJoin: (before: Segment, next: Segment) => boolean = () => false,
): Segment[] {
  const isOwn = (node: Node) => ["own", "light"].includes(template.kindOf(node));
  const nodes = nodesOf(template.outputs.values()).filter(isOwn);
  const lastUse = findLastUses(nodes);
  const segments: Segment[] = [];
  let end = 0;
  for (const part of cutWhereNarrow(nodes, lastUse, template)) {
    end += part.length;
    const next = makeSegment(part, end, lastUse, template);
    const before = segments.at(-1);
    if (before && shouldJoin(before, next))
      segments[segments.length - 1] = makeSegment([...before.nodes, ...part], end, lastUse, template);
    else segments.push(next);
  }
  return segments;
}

/** The index of the last node that uses a value, by the value's key. */
function findLastUses(nodes: readonly Node[]): Map<string, number> {
  const last = new Map<string, number>();
  nodes.forEach((node, i) => {
    for (const input of node.inputs) if (input) last.set(input.key, i);
  });
  return last;
}

function cutWhereNarrow(nodes: readonly Node[], lastUse: ReadonlyMap<string, number>, template: Template): Node[][] {
  const widths = new Array<number>(nodes.length).fill(0); // values carried across the cut after each node
  nodes.forEach((node, i) => {
    if (template.kindOf(node) === "light") return;
    for (const { key } of node.outputs) for (let at = i; at < (lastUse.get(key) ?? 0); at++) widths[at]++;
  });
  const usesWeights = (node: Node) => node.inputs.some((v) => v && template.kindOf(v.node) === "weight");
  const first = nodes.findIndex(usesWeights);
  const last = nodes.findLastIndex(usesWeights);
  const narrowest = Math.max(1, Math.min(...widths.slice(first, last)));
  const parts: Node[][] = [[]];
  nodes.forEach((node, i) => {
    parts.at(-1)!.push(node);
    if (i < nodes.length - 1 && widths[i] <= narrowest) parts.push([]);
  });
  return joinParts(parts, usesWeights);
}

/**
 * Operations with a weight that belong to the product before them: a bias, a scale, a normalisation that the runtime
 * folds.
 */
const finishing = new Set(["Add", "Sub", "Mul", "Div", "BatchNormalization", "PRelu"]);

/** Joins parts without weights, and parts that only finish the one before, to the part before. */
function joinParts(parts: readonly Node[][], usesWeights: (node: Node) => boolean): Node[][] {
  const result: Node[][] = [];
  for (const part of parts) {
    const before = result.at(-1);
    const isOpen = before && !before.some(usesWeights); // the first part may have no weights
    const finishes = finishing.has(part[0].op) && usesWeights(part[0]);
    if (before && (isOpen || finishes || !part.some(usesWeights))) before.push(...part);
    else result.push([...part]);
  }
  return result;
}

/** A product reads a transposed weight without moving its elements, so the transposition stays in the segment. */
function skipTranspose(value: Value, template: Template): Value {
  const [from] = value.node.inputs;
  return value.node.op === "Transpose" && from?.node.op === "Input" && template.kindOf(from.node) === "weight"
    ? from
    : value;
}

function makeSegment(
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
        const value = skipTranspose(input, template);
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
