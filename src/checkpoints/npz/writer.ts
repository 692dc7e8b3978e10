// Writing numpy's .npz as numpy.savez does: a stored member `NAME.npy` for every tensor, row by row, little endian.
import type { FileHandle } from "node:fs/promises";
import { bytesOf, type Tensor } from "../../core/index.ts";
import { writeZip } from "../archive/zip-writer.ts";
import type { TensorInfo } from "../checkpoint.ts";
import { npyHeader } from "./npy.ts";

/** Writes tensor by tensor, in the order given. */
export async function writeNpz(
  handle: FileHandle,
  tensors: readonly TensorInfo[],
  read: (info: TensorInfo) => Promise<Tensor>,
): Promise<void> {
  const zip = writeZip(handle);
  for (const info of tensors)
    await zip.add(`${info.name}.npy`, npyHeader(info.dtype, info.shape), bytesOf(await read(info)));
  await zip.finish();
}
