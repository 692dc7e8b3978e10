// A graph done many times by one run of the model, each time on what the last one left: an ONNX Scan around it. ONNX Runtime's binding copies every output into
// new memory at the end of a run, also where it is given tensors to fill; a training step's outputs are the whole network and the optimiser's state, so a run
// should be many steps (VGG11: 940 ms a step alone, 540 of eight together).
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

/** What a repeated graph's inputs and outputs are called from outside: inside they have the plain name, and a name stands for one thing only. */
export const outside = (name: string): string => `all ${name}`;

/**
 * Serialises the graph so that one run does it as often as its inputs are long. `carried` names inputs with the output that the next time takes in their place:
 * from outside these have their own shapes, the first and the last value. Every other input and output gets a first axis for the times.
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

/** With a first axis of any length. */
function longer(info: ValueInfoProto): ValueInfoProto {
  const copy = clone(ValueInfoProtoSchema, same(info));
  if (copy.type?.value.case === "tensorType")
    copy.type.value.value.shape!.dim.unshift(
      create(TensorShapeProto_DimensionSchema, { value: { case: "dimParam", value: "times" } }),
    );
  return copy;
}
