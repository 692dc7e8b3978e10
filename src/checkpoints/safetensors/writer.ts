// Writes safetensors. The header lists the tensors in the order given; the bytes are sorted by element size, largest
// first, so every tensor is aligned, which loaders that map the file rely on.
import { bytesPerElement, sizeOf, UserError } from "../../core/index.ts";
import type { TensorInfo } from "../checkpoint.ts";
import type { BytesOf } from "../writing/elements.ts";
import type { Output } from "../writing/output.ts";
import { complexName, dtypeNames } from "./safetensors.ts";

/** Writes tensor by tensor. Sorts the metadata's keys, so equal content gives equal bytes. */
export async function writeSafetensors(
  output: Output,
  tensors: readonly TensorInfo[],
  bytesOf: BytesOf,
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  const widestFirst = [...tensors].sort((a, b) => bytesPerElement(b.dtype) - bytesPerElement(a.dtype));
  const offsets = new Map<string, [number, number]>();
  let at = 0;
  for (const { name, dtype, shape } of widestFirst) {
    offsets.set(name, [at, at + sizeOf(shape) * bytesPerElement(dtype)]);
    at = offsets.get(name)![1];
  }
  await output.write(header(tensors, offsets, metadata));
  for (const info of widestFirst) for await (const piece of bytesOf(info)) await output.write(piece);
}

/** The header: its length, then the JSON text padded with spaces to a multiple of eight bytes. */
function header(
  tensors: readonly TensorInfo[],
  offsets: ReadonlyMap<string, [number, number]>,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const notes = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  const entries = notes.length > 0 ? [["__metadata__", Object.fromEntries(notes)] as [string, unknown]] : [];
  for (const { name, dtype, shape: parts, complex } of tensors) {
    if (name === "__metadata__") {
      throw new UserError('A safetensors file cannot hold a tensor named "__metadata__". Write .npz or .pt instead.');
    }
    const shape = complex ? parts.slice(0, -1) : parts;
    const kind = complex ? complexName(dtype) : dtypeNames[dtype];
    entries.push([name, { dtype: kind, shape, data_offsets: offsets.get(name) }]);
  }
  // joined by hand, since an object would put names that are integers first
  const json = Buffer.from(
    `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(",")}}`,
  );
  const length = 8 * Math.ceil(json.length / 8);
  const bytes = Buffer.alloc(8 + length, " ");
  bytes.writeBigUInt64LE(BigInt(length));
  json.copy(bytes, 8);
  return bytes;
}
