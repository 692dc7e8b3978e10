// Completes a graph with weights that its exporter left out because of their values, where the other file has them:
// equal weights that were stored once, and biases of zeros. Training changed them.
import { create } from "@bufbuild/protobuf";
import { NodeProtoSchema } from "onnx-buf";
import { walkTogether } from "./align.ts";
import { type ForeignModel, withNodes } from "./foreign.ts";
import { droppedBias } from "./import/dropped.ts";

/**
 * Returns `a` with a separate weight for each one of `b`: copies and zeros under b's names. Throws a
 * {@link GraphDifference} that names the first difference.
 */
export function completeModel(a: ForeignModel, b: ForeignModel): ForeignModel {
  const { pairs, partners } = walkTogether(a, b, true);
  const known = new Set([...a.held, ...a.inputs].map(({ name }) => name));
  for (const { input, output } of a.nodes) for (const name of [...input, ...output]) known.add(name);
  const added = new Map<string, string>();
  const freeName = (name: string, other: string): string => {
    const key = JSON.stringify([name, other]);
    const wanted = other || name;
    let free = added.get(key) ?? wanted;
    for (let i = 2; !added.has(key) && known.has(free); i++) free = `${wanted}_${i}`;
    added.set(key, free);
    known.add(free);
    return free;
  };
  const held = new Map(a.held.map((one) => [one.name, one]));
  const others = new Map(b.held.map((one) => [one.name, one]));
  const nodes = a.nodes.map((node) => {
    const partner = partners.get(node)!;
    const input = Array.from({ length: Math.max(node.input.length, partner.input.length) }, (_, j) => {
      const [name = "", other = ""] = [node.input[j], partner.input[j]];
      const first = pairs.get(name);
      if (name ? !first || first.name === other : !other) return name;
      const fresh = freeName(name, other);
      const own = held.get(name);
      held.set(
        fresh,
        own ? { ...own, name: fresh, copyOf: own.copyOf ?? name } : droppedBias(others.get(other)!, fresh),
      );
      return fresh;
    });
    const isChanged = input.some((name, j) => name !== (node.input[j] ?? ""));
    return isChanged ? create(NodeProtoSchema, { ...node, input }) : node;
  });
  return added.size ? withNodes(a, nodes, held) : a;
}
