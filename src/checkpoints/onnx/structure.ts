// An ONNX model without the elements of its initialisers: small however large the file. Everything else is copied
// unchanged, including elements of types that checkpoints do not read.

import { openSource, type Source } from "../source.ts";
import { dtypes } from "./onnx.ts";
import { type Field, fieldsOf } from "./protobuf.ts";

/**
 * What to do with the fields of a message, by number: leave out, or apply rules to the nested message. Others are
 * copied.
 */
interface Rules {
  readonly [field: number]: "left out" | Rules | RulesFor;
}
type RulesFor = (source: Source, message: Field) => Promise<Rules>;

/** TensorProto's elements: float_data, int32_data, string_data, int64_data, raw_data, double_data, uint64_data. */
const elements = Object.fromEntries([4, 5, 6, 7, 9, 10, 11].map((number) => [number, "left out"] as const));

/** Rules for a tensor: its elements are left out if its type (field 2) is supported. */
async function elementsOf(source: Source, tensor: Field): Promise<Rules> {
  for await (const { number, value } of fieldsOf(source, tensor))
    if (number === 2 && value !== undefined && dtypes[Number(value)]) return elements;
  return {};
}

/** ModelProto's graph (7), and its initialisers (5). */
const rules: Rules = { 7: { 5: elementsOf } };

/**
 * The serialised ModelProto without the elements of initialisers of supported types. Throws `UserError` for a file that
 * is not protobuf.
 */
export async function readStructure(path: string): Promise<Uint8Array> {
  const source = await openSource(path);
  return copyWithout(source, { begin: 0, end: source.size }, rules).finally(() => source.close());
}

async function copyWithout(source: Source, span: Pick<Field, "begin" | "end">, rules: Rules): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let [begin, end] = [span.begin, span.begin]; // consecutive fields to copy are read at once
  const copy = async () => void (end > begin && pieces.push(await source.read(begin, end - begin)));
  for await (const field of fieldsOf(source, span)) {
    const rule = rules[field.number];
    if (rule !== undefined) {
      await copy();
      begin = field.end;
      const inner = typeof rule === "function" ? await rule(source, field) : rule;
      if (inner !== "left out") pieces.push(...delimited(field.number, await copyWithout(source, field, inner)));
    }
    end = field.end;
  }
  await copy();
  return Buffer.concat(pieces);
}

/** A length-delimited field: its key, its length, its bytes. */
const delimited = (number: number, bytes: Uint8Array): Uint8Array[] => [
  Uint8Array.from([...varint((number << 3) | 2), ...varint(bytes.length)]),
  bytes,
];

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
}
