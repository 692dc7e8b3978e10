// Protobuf's wire format, as far as walking a large file needs it: fields with their places, read through a small window.
// No length is believed before it is compared with the message around it.
import { damaged, type Source } from "../source.ts";

export interface Field {
  readonly number: number;
  /** 0 varint, 1 eight bytes, 2 length-delimited, 5 four bytes. */
  readonly wire: number;
  /** The payload's place in the file. */
  readonly begin: number;
  readonly end: number;
  /** Of a varint. */
  readonly value?: bigint;
  /** Where the field's own tag begins. */
  readonly tag: number;
}

interface Span {
  readonly begin: number;
  readonly end: number;
}

const windowSize = 1 << 14;

/** The fields of a message, one after the other. */
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
      if (byte === undefined) throw damaged(source.path, "a message ends within a number");
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
    throw damaged(source.path, "a number is longer than any may be");
  };
  while (at < end) {
    await fill();
    const tag = at;
    const key = varint();
    const [number, wire] = [Number(key >> 3n), Number(key & 7n)];
    if (number === 0) throw damaged(source.path, "a message holds a field without a number");
    if (wire === 0) {
      const first = at;
      const value = BigInt.asUintN(64, varint());
      yield { number, wire, begin: first, end: at, value, tag };
      continue;
    }
    const length = wire === 1 ? 8 : wire === 5 ? 4 : wire === 2 ? Number(varint()) : undefined;
    if (length === undefined) throw damaged(source.path, "a message holds a field of a kind that there is not");
    if (at + length > end) throw damaged(source.path, `a field claims ${length} bytes where ${end - at} are left`);
    yield { number, wire, begin: at, end: at + length, tag };
    at += length;
  }
}

/** The last length-delimited field of a number in a message. */
export async function bytesField(source: Source, message: Span, number: number): Promise<Field | undefined> {
  let found: Field | undefined;
  for await (const field of fieldsOf(source, message)) if (field.number === number && field.wire === 2) found = field;
  return found;
}

/** The longest name that is read, in bytes. */
const longestText = 1 << 16;

export async function readText(source: Source, { begin, end }: Span): Promise<string> {
  if (end - begin > longestText) throw damaged(source.path, "a name in it is longer than any is");
  return new TextDecoder().decode(await source.read(begin, end - begin));
}

/** Packed varints. */
export function readVarints(bytes: Uint8Array, path: string): bigint[] {
  const numbers: bigint[] = [];
  let [value, shift] = [0n, 0n];
  for (const byte of bytes) {
    value |= BigInt(byte & 127) << shift;
    shift += 7n;
    if (byte < 128) {
      numbers.push(BigInt.asUintN(64, value));
      [value, shift] = [0n, 0n];
    } else if (shift > 63n) throw damaged(path, "a number is longer than any may be");
  }
  if (shift > 0n) throw damaged(path, "a message ends within a number");
  return numbers;
}
