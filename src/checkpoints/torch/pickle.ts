// An unpickler that can only build values: protocols 0 to 5, every operation that Python's pickler writes. A pickle
// refers to classes and functions by name; the host decides what a name means, and nothing in the file is ever
// executed. An object of an unknown class stays unknown, whatever the pickle does to it. Values: None null, integers
// numbers (bigints beyond 2^53), str and Python 2's str strings, bytes Uint8Array, lists, tuples and sets arrays,
// dictionaries Maps. The host receives the state that Python would set on an object. Source: CPython's
// Lib/pickletools.py, which describes every operation.

import { parseFloating, parseInteger, unescapeString, unescapeUnicode } from "./pickle-text.ts";
import { Unknown } from "./unknown.ts";

export interface PickleHost {
  /** The value of the global `module.name`; throws if it is not allowed. */
  find(module: string, name: string): unknown;
  /** Calls a value from `find`. */
  call(callable: unknown, args: readonly unknown[]): unknown;
  /** Sets an object's state. */
  build?(target: unknown, state: unknown): void;
  /** The value of a persistent id (data outside the pickle). */
  load(id: unknown): unknown;
  /** The error for an invalid pickle. */
  fault(what: string): Error;
}

/** Longest pickle in bytes; large because NumPy arrays are inside their pickle. */
export const longestPickle = 2 ** 31;

/**
 * Most operations of a pickle: a state dict needs about forty for each tensor. Limits the memory of a malicious pickle.
 */
const mostOperations = 1 << 22;

/** Thrown and caught only in this file. */
const ranOut = new Error("the bytes end before the pickle does");

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** TextDecoder is not used, since newer versions of Node decode latin1 as Windows-1252. */
const latin1 = {
  decode: (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1"),
};

/**
 * Runs one pickle.
 * @returns its value and the offset of its end; undefined if the bytes end before the pickle
 */
export function unpickle(
  bytes: Uint8Array,
  start: number,
  host: PickleHost,
): { value: unknown; end: number } | undefined {
  try {
    return run(bytes, start, host);
  } catch (error) {
    if (error === ranOut) return undefined;
    throw error;
  }
}

function run(bytes: Uint8Array, start: number, host: PickleHost): { value: unknown; end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const stack: unknown[] = [];
  const marks: number[] = []; // heights of the stack
  const memo = new Map<number, unknown>();
  let at = start;

  /** Skips n bytes; returns the offset of the first. */
  const take = (n: number): number => {
    if (n > bytes.length - at) throw ranOut;
    at += n;
    return at - n;
  };
  const u8 = () => view.getUint8(take(1));
  const u16 = () => view.getUint16(take(2), true);
  const u32 = () => view.getUint32(take(4), true);
  const u64 = () => Number(view.getBigUint64(take(8), true));
  const slice = (n: number): Uint8Array => {
    const from = take(n);
    return bytes.subarray(from, from + n);
  };
  const text = (n: number): string => asText(slice(n));
  const lineBytes = (): Uint8Array => {
    const end = bytes.indexOf(10, at);
    if (end < 0) throw ranOut;
    const content = slice(end - at);
    at++;
    return content;
  };
  const asText = (raw: Uint8Array): string => {
    try {
      return utf8.decode(raw);
    } catch {
      throw host.fault("a string in its pickle is not valid UTF-8");
    }
  };
  const line = (): string => asText(lineBytes());
  const decimal = (): number => {
    const digits = line();
    if (!/^\d{1,15}$/.test(digits))
      throw host.fault(`its pickle contains ${JSON.stringify(digits.slice(0, 20))} instead of a number`);
    return Number(digits);
  };
  const pop = (): unknown => {
    if (stack.length <= (marks.at(-1) ?? 0)) throw host.fault("its pickle takes a value from an empty stack");
    return stack.pop();
  };
  const top = (): unknown => {
    const value = pop();
    stack.push(value);
    return value;
  };
  const popMarked = (): unknown[] => {
    const height = marks.pop();
    if (height === undefined) throw host.fault("its pickle closes a list that was never opened");
    return stack.splice(height);
  };
  const popMany = (n: number): unknown[] => Array.from({ length: n }, pop).reverse();
  const append = (items: readonly unknown[]): void => {
    const value = top();
    if (value instanceof Unknown) return;
    if (!Array.isArray(value)) throw host.fault("its pickle appends to something that is not a list");
    for (const item of items) value.push(item);
  };
  const setItems = (items: readonly unknown[]): void => {
    const map = top();
    if (!(map instanceof Map) || items.length % 2)
      throw host.fault("its pickle sets items of something that is not a dictionary");
    for (let i = 0; i < items.length; i += 2) map.set(items[i], items[i + 1]);
  };
  const call = (callable: unknown, args: unknown): void => {
    if (callable instanceof Unknown) stack.push(new Unknown(callable.name));
    else if (!Array.isArray(args)) throw host.fault("its pickle calls a function with arguments that are not a tuple");
    else stack.push(host.call(callable, args));
  };
  const callTop = (): void => {
    const args = pop();
    call(pop(), args);
  };
  const recall = (index: number): void => {
    if (!memo.has(index)) throw host.fault("its pickle reads a memo entry that was never written");
    stack.push(memo.get(index));
  };
  const find = (module: unknown, name: unknown): unknown => {
    if (typeof module !== "string" || typeof name !== "string")
      throw host.fault("its pickle contains a class name that is not a string");
    return host.find(module, name);
  };

  for (let count = 0; count < mostOperations; count++) {
    const operation = u8();
    switch (operation) {
      // the frame
      case 0x80: // PROTO
        if (u8() > 5) throw host.fault("its pickle uses a protocol newer than 5");
        break;
      case 0x95: // FRAME
        take(8);
        break;
      case 0x2e: // STOP
        return { value: pop(), end: at };

      // single values
      case 0x4e: // NONE
        stack.push(null);
        break;
      case 0x88: // NEWTRUE
        stack.push(true);
        break;
      case 0x89: // NEWFALSE
        stack.push(false);
        break;
      case 0x4a: // BININT
        stack.push(view.getInt32(take(4), true));
        break;
      case 0x4b: // BININT1
        stack.push(u8());
        break;
      case 0x4d: // BININT2
        stack.push(u16());
        break;
      case 0x8a: // LONG1
        stack.push(toInteger(slice(u8())));
        break;
      case 0x8b: {
        // LONG4
        const length = u32();
        if (length > 1024) throw host.fault("its pickle contains an integer of more than 1,024 bytes");
        stack.push(toInteger(slice(length)));
        break;
      }
      case 0x47: // BINFLOAT
        stack.push(view.getFloat64(take(8), false));
        break;
      case 0x58: // BINUNICODE
        stack.push(text(u32()));
        break;
      case 0x8c: // SHORT_BINUNICODE
        stack.push(text(u8()));
        break;
      case 0x8d: // BINUNICODE8
        stack.push(text(u64()));
        break;
      case 0x54: // BINSTRING
        stack.push(latin1.decode(slice(u32())));
        break;
      case 0x55: // SHORT_BINSTRING
        stack.push(latin1.decode(slice(u8())));
        break;
      case 0x42: // BINBYTES
        stack.push(slice(u32()));
        break;
      case 0x43: // SHORT_BINBYTES
        stack.push(slice(u8()));
        break;
      case 0x8e: // BINBYTES8
      case 0x96: // BYTEARRAY8
        stack.push(slice(u64()));
        break;

      // lists, tuples, sets, dictionaries
      case 0x28: // MARK
        marks.push(stack.length);
        break;
      case 0x29: // EMPTY_TUPLE
      case 0x5d: // EMPTY_LIST
      case 0x8f: // EMPTY_SET
        stack.push([]);
        break;
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        stack.push(popMany(operation - 0x84));
        break;
      case 0x74: // TUPLE
      case 0x6c: // LIST
      case 0x91: // FROZENSET
        stack.push(popMarked());
        break;
      case 0x61: // APPEND
        append([pop()]);
        break;
      case 0x65: // APPENDS
      case 0x90: // ADDITEMS
        append(popMarked());
        break;
      case 0x7d: // EMPTY_DICT
        stack.push(new Map());
        break;
      case 0x64: {
        // DICT
        const items = popMarked();
        stack.push(new Map());
        setItems(items);
        break;
      }
      case 0x73: // SETITEM
        setItems(popMany(2));
        break;
      case 0x75: // SETITEMS
        setItems(popMarked());
        break;

      // as lines of text, which protocol 0 writes
      case 0x49: {
        // INT, where 00 and 01 are the booleans
        const digits = line();
        stack.push(digits === "00" ? false : digits === "01" ? true : parseInteger(digits, host.fault));
        break;
      }
      case 0x4c: // LONG
        stack.push(parseInteger(line().replace(/L$/, ""), host.fault));
        break;
      case 0x46: // FLOAT
        stack.push(parseFloating(line(), host.fault));
        break;
      case 0x53: // STRING
        stack.push(unescapeString(line(), host.fault));
        break;
      case 0x56: // UNICODE
        stack.push(unescapeUnicode(latin1.decode(lineBytes())));
        break;

      // the stack and the memo
      case 0x30: // POP
        pop();
        break;
      case 0x31: // POP_MARK
        popMarked();
        break;
      case 0x32: // DUP
        stack.push(top());
        break;
      case 0x67: // GET
        recall(decimal());
        break;
      case 0x70: // PUT
        memo.set(decimal(), top());
        break;
      case 0x68: // BINGET
        recall(u8());
        break;
      case 0x6a: // LONG_BINGET
        recall(u32());
        break;
      case 0x71: // BINPUT
        memo.set(u8(), top());
        break;
      case 0x72: // LONG_BINPUT
        memo.set(u32(), top());
        break;
      case 0x94: // MEMOIZE
        memo.set(memo.size, top());
        break;

      // what the host decides
      case 0x63: // GLOBAL
        stack.push(find(line(), line()));
        break;
      case 0x93: {
        // STACK_GLOBAL
        const [module, name] = popMany(2);
        stack.push(find(module, name));
        break;
      }
      case 0x52: // REDUCE
      case 0x81: // NEWOBJ
        callTop();
        break;
      case 0x92: // NEWOBJ_EX, whose named arguments are dropped
        pop();
        callTop();
        break;
      case 0x69: {
        // INST
        const callable = find(line(), line());
        call(callable, popMarked());
        break;
      }
      case 0x6f: {
        // OBJ
        const [callable, ...args] = popMarked();
        call(callable, args);
        break;
      }
      case 0x82: // EXT1
        stack.push(find("copyreg", `extension ${u8()}`));
        break;
      case 0x83: // EXT2
        stack.push(find("copyreg", `extension ${u16()}`));
        break;
      case 0x84: // EXT4
        stack.push(find("copyreg", `extension ${u32()}`));
        break;
      case 0x62: {
        // BUILD
        const state = pop();
        host.build?.(top(), state);
        break;
      }
      case 0x50: // PERSID
        stack.push(host.load(line()));
        break;
      case 0x51: // BINPERSID
        stack.push(host.load(pop()));
        break;

      case 0x97: // NEXT_BUFFER
        throw host.fault("its pickle keeps data outside the file");
      case 0x98: // READONLY_BUFFER
        top();
        break;

      default:
        throw host.fault(
          `its pickle contains the operation 0x${operation.toString(16)}, which Python's pickler does not write`,
        );
    }
  }
  throw host.fault("its pickle has too many operations for a state dict");
}

/** A little-endian integer in two's complement. */
function toInteger(bytes: Uint8Array): number | bigint {
  if (bytes.length === 0) return 0;
  const hex = Buffer.from(bytes).reverse().toString("hex");
  const value = BigInt.asIntN(8 * bytes.length, BigInt(`0x${hex}`));
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}
