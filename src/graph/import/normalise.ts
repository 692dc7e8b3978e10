// Normalises a model on import: one spelling of the standard domain, and no dropout.
import { create } from "@bufbuild/protobuf";
import { type ModelProto, type NodeProto, NodeProtoSchema } from "onnx-buf";
import { deepNodes, nodeLists, subgraphsOf } from "./nodes.ts";
import { constantOf } from "./tensors.ts";

/** Writes the standard domain, which may also be spelt `ai.onnx`, as the empty name. */
export function nameStandardDomain(model: ModelProto): void {
  const plain = (domain: string) => (domain === "ai.onnx" ? "" : domain);
  for (const { node } of nodeLists(model)) for (const one of node) one.domain = plain(one.domain);
  for (const owner of [model, ...model.functions]) {
    const versions = new Map<string, (typeof owner.opsetImport)[number]>();
    for (const one of owner.opsetImport) {
      one.domain = plain(one.domain);
      if (!versions.has(one.domain)) versions.set(one.domain, one);
    }
    owner.opsetImport = [...versions.values()];
  }
  for (const one of model.functions) one.domain = plain(one.domain);
}

/**
 * Replaces dropouts whose mask is not used by their effect in evaluation. ONNX Runtime does the same, also in training
 * mode, except for a dropout that is an output of its graph, so the result would depend on where a graph is cut.
 * Returns the names of values that switch training mode, without constants that are false.
 */
export function removeDropout(model: ModelProto): string[] {
  const modes: string[] = [];
  for (const list of nodeLists(model)) {
    const used = new Set(list.node.flatMap(usedBy));
    for (const port of list.output) used.add(typeof port === "string" ? port : port.name);
    list.node = list.node.map((node) => {
      const [x, , mode] = node.input;
      const [y, mask] = node.output;
      if (node.opType !== "Dropout" || node.domain !== "" || (mask && used.has(mask))) return node;
      const constant = list.node.find(({ opType, output }) => opType === "Constant" && output[0] === mode);
      const known = constant && constantOf(constant);
      if (mode && !(known && Number(known.data[0]) === 0)) modes.push(mode);
      return create(NodeProtoSchema, { name: node.name, opType: "Identity", input: [x], output: [y] });
    });
  }
  return modes;
}

/** The names that a node and its subgraphs use. */
function usedBy(node: NodeProto): string[] {
  const names: string[] = [];
  for (const inner of deepNodes([node])) {
    names.push(...inner.input);
    for (const { output } of subgraphsOf(inner)) names.push(...output.map(({ name }) => name));
  }
  return names;
}
