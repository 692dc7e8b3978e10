// What one pass over a tensor's elements shows: whether all are finite, whether all are equal, and a digest of its bytes.
import { bytesOf, type Tensor } from "./tensor.ts";

export interface Inspected {
  readonly finite: boolean;
  readonly constant: boolean;
  /** Equal for equal bytes; not cryptographic. */
  readonly digest: string;
}

/** Looks at every element once. */
export function inspect(tensor: Tensor): Inspected {
  const { dtype, data } = tensor;
  let constant = true;
  for (let i = 1; i < data.length && constant; i++) constant = data[i] === data[0];
  let finite = true;
  const mask = dtype === "float16" ? 0x7c00 : 0x7f80;
  if (dtype === "float16" || dtype === "bfloat16") {
    for (let i = 0; i < data.length; i++) if (((data[i] as number) & mask) === mask) finite = false;
  } else if (dtype === "float32" || dtype === "float64") {
    for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i] as number)) finite = false;
  }
  return { finite, constant, digest: digestOf(bytesOf(tensor)) };
}

function digestOf(bytes: Uint8Array): string {
  const whole = bytes.byteOffset % 4 === 0 ? bytes.byteLength >>> 2 : 0;
  const words = new Uint32Array(bytes.buffer, whole ? bytes.byteOffset : 0, whole);
  let [x, y] = [0x811c9dc5, 0x9e3779b9];
  for (let i = 0; i < whole; i++) {
    x = Math.imul(x ^ words[i], 0x01000193);
    y = (Math.imul(y, 31) + words[i]) | 0;
  }
  for (let i = whole * 4; i < bytes.length; i++) {
    x = Math.imul(x ^ bytes[i], 0x01000193);
    y = (Math.imul(y, 31) + bytes[i]) | 0;
  }
  return `${(x >>> 0).toString(16)}${(y >>> 0).toString(16)}`;
}
