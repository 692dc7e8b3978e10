// Protobuf's wire format, for walking large files: fields with their positions, read through a small window. Every
// length is checked against the enclosing message.
import { damaged, type Source } from "../source.ts";
import type { Span } from "../spans.ts";

export interface Field {
  readonly number: number;
  /** 0 varint, 1 eight bytes, 2 length-delimited, 5 four bytes. */
  readonly wire: number;
  /** The payload's position in the file. */
  readonly begin: number;
  readonly end: number;
  /** The value of a varint. */
  readonly value?: bigint;
  /** Position of the field's tag. */
  readonly tag: number;
}

const windowSize = 1 << 14;

/** The fields of a message, in order. */
export async function* fieldsOf(source: Source, { begin, end }: Span): AsyncGenerator<Field> {
  let window = new Uint8Array(0);
  let start = begin;
  let at = begin;
  const fill = async () => {
    if (at < start || at + 20 > start + window.length) {
      start = at;
      window = await source.read(at, Math.min(windowSize, end - at));
    }
  };
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = window[at++ - start];
      if (byte === undefined) throw damaged(source.path, "a message ends in the middle of a number");
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
    throw damaged(source.path, "a number has too many bytes");
  };
  while (at < end) {
    await fill();
    const tag = at;
    const key = varint();
    const [number, wire] = [Number(key >> 3n), Number(key & 7n)];
    if (number === 0) throw damaged(source.path, "a message contains a field without a number");
    if (wire === 0) {
      const first = at;
      const value = BigInt.asUintN(64, varint());
      yield { number, wire, begin: first, end: at, value, tag };
      continue;
    }
    const length = wire === 1 ? 8 : wire === 5 ? 4 : wire === 2 ? Number(varint()) : undefined;
    if (length === undefined) throw damaged(source.path, "a message contains a field of an unknown type");
    if (at + length > end) throw damaged(source.path, `a field claims ${length} bytes, but only ${end - at} are left`);
    yield { number, wire, begin: at, end: at + length, tag };
    at += length;
  }
}

/** The last length-delimited field with a number in a message. */
export async function bytesField(source: Source, message: Span, number: number): Promise<Field | undefined> {
  let found: Field | undefined;
  for await (const field of fieldsOf(source, message)) if (field.number === number && field.wire === 2) found = field;
  return found;
}

/** Longest name in bytes. */
const longestText = 1 << 16;

export async function readText(source: Source, { begin, end }: Span): Promise<string> {
  if (end - begin > longestText) throw damaged(source.path, "it contains a name of more than 65,536 bytes");
  return new TextDecoder().decode(await source.read(begin, end - begin));
}

/** Decodes packed varints. */
export function readVarints(bytes: Uint8Array, path: string): bigint[] {
  const numbers: bigint[] = [];
  let [value, shift] = [0n, 0n];
  for (const byte of bytes) {
    value |= BigInt(byte & 127) << shift;
    shift += 7n;
    if (byte < 128) {
      numbers.push(BigInt.asUintN(64, value));
      [value, shift] = [0n, 0n];
    } else if (shift > 63n) throw damaged(path, "a number has too many bytes");
  }
  if (shift > 0n) throw damaged(path, "a message ends in the middle of a number");
  return numbers;
}
