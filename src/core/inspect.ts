// What opening a checkpoint asks of every tensor, from its bits and chunk by chunk, so that each element comes from memory once:
// whether all elements are finite, whether all are equal, and a digest by which tensors with the same bytes are found.
import { toNumbers } from "./numbers.ts";
import { bytesOf, type DType, type Tensor } from "./tensor.ts";

export interface Inspection {
  /** No element is NaN or infinite; always true of integers. */
  readonly finite: boolean;
  /** All elements are equal as numbers: 0 equals -0, and NaN nothing. True of an empty tensor. */
  readonly constant: boolean;
  /** 128 bits of MurmurHash3 over the bytes, as 32 hexadecimal digits: fast, and not safe against forgery. */
  readonly digest: string;
}

/** Bytes looked at before the next ones: they fit a core's nearest cache. A multiple of sixteen. */
const chunkBytes = 1 << 15;

export function inspect(tensor: Tensor): Inspection {
  const bytes = aligned(bytesOf(tensor));
  const digest = startDigest();
  let finite = true;
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    const chunk = bytes.subarray(at, at + chunkBytes);
    finite &&= isFiniteIn(chunk, tensor.dtype);
    digest.add(chunk);
  }
  return { finite, constant: isConstant(tensor), digest: digest.finish() };
}

/** Whether no element is NaN or infinite; always true of integers. */
export function allFinite({ dtype, data }: Tensor): boolean {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  for (let at = 0; at < bytes.length; at += chunkBytes)
    if (!isFiniteIn(bytes.subarray(at, at + chunkBytes), dtype)) return false;
  return true;
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

/** Of doubles, whose upper word has the exponent. */
function noneFullAbove(words: Int32Array): boolean {
  for (let i = 1; i < words.length; i += 2) if ((words[i] & 0x7ff00000) === 0x7ff00000) return false;
  return true;
}

/** Nearly every tensor's first two elements differ, so this looks no further. */
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

interface Digest {
  /** Bytes at a multiple of four in memory, as many as a multiple of sixteen but in the last call. */
  add(bytes: Uint8Array): void;
  finish(): string;
}

const [c1, c2, c3, c4] = [0x239b961b, 0xab0e9789, 0x38b34ae5, 0xa1e38b93];

/** MurmurHash3_x86_128 by Austin Appleby (public domain), with seed 0. */
function startDigest(): Digest {
  let [h1, h2, h3, h4] = [0, 0, 0, 0];
  let length = 0;
  let rest = new Uint8Array(0);
  const block = (words: Int32Array, count: number) => {
    let [g1, g2, g3, g4] = [h1, h2, h3, h4]; // locals, which stay in registers
    for (let i = 0; i < count; i += 4) {
      let k = Math.imul(words[i], c1);
      g1 ^= Math.imul((k << 15) | (k >>> 17), c2);
      g1 = (Math.imul(((g1 << 19) | (g1 >>> 13)) + g2, 5) + 0x561ccd1b) | 0;
      k = Math.imul(words[i + 1], c2);
      g2 ^= Math.imul((k << 16) | (k >>> 16), c3);
      g2 = (Math.imul(((g2 << 17) | (g2 >>> 15)) + g3, 5) + 0x0bcaa747) | 0;
      k = Math.imul(words[i + 2], c3);
      g3 ^= Math.imul((k << 17) | (k >>> 15), c4);
      g3 = (Math.imul(((g3 << 15) | (g3 >>> 17)) + g4, 5) + 0x96cd1c35) | 0;
      k = Math.imul(words[i + 3], c4);
      g4 ^= Math.imul((k << 18) | (k >>> 14), c1);
      g4 = (Math.imul(((g4 << 13) | (g4 >>> 19)) + g1, 5) + 0x32ac3b17) | 0;
    }
    [h1, h2, h3, h4] = [g1, g2, g3, g4];
  };
  return {
    add(bytes) {
      length += bytes.length;
      block(new Int32Array(bytes.buffer, bytes.byteOffset, (bytes.length >> 4) << 2), (bytes.length >> 4) << 2);
      rest = bytes.slice(bytes.length & ~15);
    },
    finish() {
      const last = new Uint8Array(16);
      last.set(rest);
      const [k1, k2, k3, k4] = new Int32Array(last.buffer);
      h4 ^= Math.imul(turn(Math.imul(k4, c4), 18), c1);
      h3 ^= Math.imul(turn(Math.imul(k3, c3), 17), c4);
      h2 ^= Math.imul(turn(Math.imul(k2, c2), 16), c3);
      h1 ^= Math.imul(turn(Math.imul(k1, c1), 15), c2);
      const mixed = sumUp([h1, h2, h3, h4].map((h) => h ^ length));
      return sumUp(mixed.map(scatter))
        .map((h) => (h >>> 0).toString(16).padStart(8, "0"))
        .join("");
    },
  };
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
