// Repeats a graph many times in one run, each time on the results of the last: an ONNX Scan around it. ONNX Runtime's
// binding copies every output into new memory at the end of a run, even where it is given tensors to fill. A training
// step's outputs are the whole network and the optimiser's state, so a run should be many steps (VGG11: 940 ms for a
// single step, 540 ms per step in runs of eight).
import { clone, create } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  NodeProtoSchema,
  TensorShapeProto_DimensionSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "onnx-buf";
import type { Value } from "./graph.ts";
import { graphOf, modelOf } from "./serialise.ts";

/**
 * The outer name of a repeated graph's input or output. Inside, it has the plain name, and ONNX allows a name only
 * once.
 */
export const outside = (name: string): string => `all ${name}`;

/**
 * Serialises the graph so that one run repeats it once for each entry of its inputs' first axis. `carried` maps inputs
 * to the outputs that replace them in the next repetition; they keep their shapes (the first and the last value). All
 * other inputs and outputs get a first axis for the repetitions.
 */
export function serialiseRepeated(
  outputs: Readonly<Record<string, Value>>,
  carried: ReadonlyMap<string, string>,
): Uint8Array {
  const body = graphOf(outputs);
  const inputs = new Map(body.input.map((info) => [info.name, info]));
  const results = new Map(body.output.map((info) => [info.name, info]));
  const next = new Set(carried.values());
  const first = [...carried.keys()].map((name) => inputs.get(name)!);
  const last = [...next].map((name) => results.get(name)!);
  const sliced = body.input.filter(({ name }) => !carried.has(name));
  const stacked = body.output.filter(({ name }) => !next.has(name));
  body.input = [...first, ...sliced];
  body.output = [...last, ...stacked];
  const { INT, GRAPH } = AttributeProto_AttributeType;
  const scan = create(NodeProtoSchema, {
    name: "repeat",
    opType: "Scan",
    input: body.input.map(({ name }) => outside(name)),
    output: body.output.map(({ name }) => outside(name)),
    attribute: [
      create(AttributeProtoSchema, { name: "num_scan_inputs", type: INT, i: BigInt(sliced.length) }),
      create(AttributeProtoSchema, { name: "body", type: GRAPH, g: body }),
    ],
  });
  return modelOf(
    create(GraphProtoSchema, {
      name: "layerwise",
      node: [scan],
      input: [...first.map(same), ...sliced.map(longer)],
      output: [...last.map(same), ...stacked.map(longer)],
    }),
  );
}

const same = (info: ValueInfoProto) => create(ValueInfoProtoSchema, { name: outside(info.name), type: info.type });

/** The same with an additional first axis of any length. */
function longer(info: ValueInfoProto): ValueInfoProto {
  const copy = clone(ValueInfoProtoSchema, same(info));
  if (copy.type?.value.case === "tensorType")
    copy.type.value.value.shape!.dim.unshift(
      create(TensorShapeProto_DimensionSchema, { value: { case: "dimParam", value: "times" } }),
    );
  return copy;
}
