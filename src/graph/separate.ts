// Separates equal weights that an exporter stored once, where the other file has several: training made them differ.
import { create } from "@bufbuild/protobuf";
import { NodeProtoSchema } from "onnx-buf";
import { walkTogether } from "./align.ts";
import { type ForeignModel, withNodes } from "./foreign.ts";

/**
 * Returns `a` with a separate weight for each one of `b`, as copies under b's names. Throws a {@link GraphDifference}
 * that names the first difference.
 */
export function separateShared(a: ForeignModel, b: ForeignModel): ForeignModel {
  const { pairs, partners } = walkTogether(a, b, true);
  const known = new Set([...a.held, ...a.inputs].map(({ name }) => name));
  for (const { input, output } of a.nodes) for (const name of [...input, ...output]) known.add(name);
  const copies = new Map<string, string>();
  const copyOf = (name: string, other: string): string => {
    const key = JSON.stringify([name, other]);
    let copy = copies.get(key) ?? other;
    for (let i = 2; !copies.has(key) && known.has(copy); i++) copy = `${other}_${i}`;
    copies.set(key, copy);
    known.add(copy);
    return copy;
  };
  const held = new Map(a.held.map((one) => [one.name, one]));
  const nodes = a.nodes.map((node) => {
    const input = node.input.map((name, j) => {
      const other = partners.get(node)!.input[j];
      const first = pairs.get(name);
      if (!first || first.name === other) return name;
      const copy = copyOf(name, other);
      const own = held.get(name)!;
      held.set(copy, { ...own, name: copy, copyOf: own.copyOf ?? name });
      return copy;
    });
    return input.some((name, j) => name !== node.input[j]) ? create(NodeProtoSchema, { ...node, input }) : node;
  });
  return copies.size ? withNodes(a, nodes, held) : a;
}
