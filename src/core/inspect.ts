// Inspects every tensor of a checkpoint when it is opened: whether all elements are finite, whether all are equal, and
// a digest to find tensors with the same bytes. It works on bits, chunk by chunk, so each element is read from memory
// once.
import { toNumbers } from "./numbers.ts";
import { bytesOf, type DType, type Tensor } from "./tensor.ts";

export interface Inspection {
  /** No element is NaN or infinite; always true for integers. */
  readonly finite: boolean;
  /** All elements are equal as numbers: 0 equals -0, and NaN equals nothing. True for an empty tensor. */
  readonly constant: boolean;
  /** MurmurHash3 (128 bits) of the bytes, as 32 hexadecimal digits. It is fast, and not cryptographic. */
  readonly digest: string;
}

/** Bytes inspected at a time: they fit a core's first-level cache. A multiple of sixteen. */
const chunkBytes = 1 << 15;

export function inspect(tensor: Tensor): Inspection {
  const bytes = aligned(bytesOf(tensor));
  const state = new Int32Array(4);
  let finite = true;
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    const chunk = bytes.subarray(at, at + chunkBytes);
    finite &&= isFiniteIn(chunk, tensor.dtype);
    mixBlocks(state, new Int32Array(chunk.buffer, chunk.byteOffset, chunk.length >> 2));
  }
  return {
    finite,
    constant: isConstant(tensor),
    digest: finishDigest(state, bytes.subarray(bytes.length & ~15), bytes.length),
  };
}

/** True where no element is NaN or infinite; always true for integers. */
export function allFinite({ dtype, data }: Tensor): boolean {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  for (let at = 0; at < bytes.length; at += chunkBytes)
    if (!isFiniteIn(bytes.subarray(at, at + chunkBytes), dtype)) return false;
  return true;
}

/** For each of two tensors of equal size: whether it has a NaN, or an infinity that the other does not have there. */
export function brokenIn(one: Tensor, other: Tensor): readonly [boolean, boolean] {
  const [x, y] = [toNumbers(one), toNumbers(other)];
  const found: [boolean, boolean] = [false, false];
  for (let i = 0; i < x.length; i++) {
    if (x[i] === y[i]) continue;
    found[0] ||= !Number.isFinite(x[i]);
    found[1] ||= !Number.isFinite(y[i]);
  }
  return found;
}

/** A float is NaN or infinite where all bits of its exponent are set. */
function isFiniteIn(bytes: Uint8Array, dtype: DType): boolean {
  const { buffer, byteOffset, byteLength } = bytes;
  if (dtype === "float32") return noneFull(new Int32Array(buffer, byteOffset, byteLength >> 2), 0x7f800000);
  if (dtype === "float64") return noneFullAbove(new Int32Array(buffer, byteOffset, byteLength >> 2));
  if (dtype === "float16") return noneFullHalf(new Uint16Array(buffer, byteOffset, byteLength >> 1), 0x7c00);
  if (dtype === "bfloat16") return noneFullHalf(new Uint16Array(buffer, byteOffset, byteLength >> 1), 0x7f80);
  return true;
}

function noneFull(words: Int32Array, exponent: number): boolean {
  for (let i = 0; i < words.length; i++) if ((words[i] & exponent) === exponent) return false;
  return true;
}

function noneFullHalf(words: Uint16Array, exponent: number): boolean {
  for (let i = 0; i < words.length; i++) if ((words[i] & exponent) === exponent) return false;
  return true;
}

/** For doubles, whose upper word has the exponent. */
function noneFullAbove(words: Int32Array): boolean {
  for (let i = 1; i < words.length; i += 2) if ((words[i] & 0x7ff00000) === 0x7ff00000) return false;
  return true;
}

/** For nearly every tensor the first two elements differ, so this reads no more than those. */
function isConstant(tensor: Tensor): boolean {
  const { data } = tensor;
  const step = 4096;
  const numbers = (at: number, end: number) =>
    tensor.dtype === "int64" || tensor.dtype === "uint64"
      ? (data.subarray(at, end) as BigInt64Array)
      : toNumbers({ ...tensor, data: data.subarray(at, end) as Tensor["data"] });
  const [first] = numbers(0, 1);
  for (let at = 0, count = 2; at < data.length; at += count, count = step)
    for (const value of numbers(at, at + count)) if (value !== first) return false;
  return true;
}

function aligned(bytes: Uint8Array): Uint8Array {
  return bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
}

// The constants of MurmurHash3_x86_128 by Austin Appleby (public domain).
const c1 = 0x239b961b;
const c2 = -0x54f16877; // 0xab0e9789
const c3 = 0x38b34ae5;
const c4 = -0x5e1c746d; // 0xa1e38b93

/** Mixes whole blocks of four words into the state. */
function mixBlocks(state: Int32Array, words: Int32Array): void {
  let [h1, h2, h3, h4] = state;
  const count = words.length & ~3;
  for (let i = 0; i < count; i += 4) {
    let k = Math.imul(words[i], c1);
    h1 ^= Math.imul((k << 15) | (k >>> 17), c2);
    h1 = (Math.imul(((h1 << 19) | (h1 >>> 13)) + h2, 5) + 0x561ccd1b) | 0;
    k = Math.imul(words[i + 1], c2);
    h2 ^= Math.imul((k << 16) | (k >>> 16), c3);
    h2 = (Math.imul(((h2 << 17) | (h2 >>> 15)) + h3, 5) + 0x0bcaa747) | 0;
    k = Math.imul(words[i + 2], c3);
    h3 ^= Math.imul((k << 17) | (k >>> 15), c4);
    h3 = (Math.imul(((h3 << 15) | (h3 >>> 17)) + h4, 5) - 0x6932e3cb) | 0;
    k = Math.imul(words[i + 3], c4);
    h4 ^= Math.imul((k << 18) | (k >>> 14), c1);
    h4 = (Math.imul(((h4 << 13) | (h4 >>> 19)) + h1, 5) + 0x32ac3b17) | 0;
  }
  state[0] = h1;
  state[1] = h2;
  state[2] = h3;
  state[3] = h4;
}

/** The digest of bytes whose whole blocks are in the state; `rest` are the bytes after the last block. */
function finishDigest([h1, h2, h3, h4]: Int32Array, rest: Uint8Array, length: number): string {
  const last = new Uint8Array(16);
  last.set(rest);
  const [k1, k2, k3, k4] = new Int32Array(last.buffer);
  const state = [
    h1 ^ Math.imul(turn(Math.imul(k1, c1), 15), c2),
    h2 ^ Math.imul(turn(Math.imul(k2, c2), 16), c3),
    h3 ^ Math.imul(turn(Math.imul(k3, c3), 17), c4),
    h4 ^ Math.imul(turn(Math.imul(k4, c4), 18), c1),
  ];
  return sumUp(sumUp(state.map((h) => h ^ length)).map(scatter))
    .map((h) => (h >>> 0).toString(16).padStart(8, "0"))
    .join("");
}

const turn = (k: number, by: number) => (k << by) | (k >>> (32 - by));

function sumUp([h1, h2, h3, h4]: number[]): number[] {
  const first = (h1 + h2 + h3 + h4) | 0;
  return [first, (h2 + first) | 0, (h3 + first) | 0, (h4 + first) | 0];
}

/** Every bit of the input changes about half of the output's. */
function scatter(h: number): number {
  const once = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  const twice = Math.imul(once ^ (once >>> 13), 0xc2b2ae35);
  return twice ^ (twice >>> 16);
}
