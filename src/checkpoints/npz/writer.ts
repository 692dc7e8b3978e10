// Writes .npz as numpy.savez does: an uncompressed member `NAME.npy` for every tensor, row by row, little endian.
import { bytesPerElement, sizeOf } from "../../core/index.ts";
import { writeZip, type ZipWriter } from "../archive/zip-writer.ts";
import type { TensorInfo } from "../checkpoint.ts";
import type { BytesOf } from "../writing/elements.ts";
import type { Output } from "../writing/output.ts";
import { npyHeader } from "./npy.ts";

/** Writes tensor by tensor, in the order given. */
export async function writeNpz(output: Output, tensors: readonly TensorInfo[], bytesOf: BytesOf): Promise<void> {
  const zip = writeZip(output);
  for (const info of tensors) await addArray(zip, `${info.name}.npy`, info, bytesOf(info));
  await zip.finish();
}

/** Adds an array with these bytes as a member. */
export async function addArray(
  zip: ZipWriter,
  member: string,
  info: TensorInfo,
  bytes: AsyncIterable<Uint8Array>,
): Promise<void> {
  const { dtype, shape, complex } = info;
  const header = npyHeader(dtype, shape, complex);
  const content = async function* () {
    yield header;
    yield* bytes;
  };
  await zip.addInPieces(member, header.length + sizeOf(shape) * bytesPerElement(dtype), content());
}
