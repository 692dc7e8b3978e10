// Writing a checkpoint in any format that can be written: whole or not at all, one tensor in memory at a time, and the
// same bytes for the same tensors.
import type { FileHandle } from "node:fs/promises";
import { type Tensor, writeAtomic } from "../core/index.ts";
import type { Format, TensorInfo } from "./checkpoint.ts";
import { writeNpz } from "./npz/writer.ts";
import { writeSafetensors } from "./safetensors/writer.ts";
import { writeTorch } from "./torch/writer.ts";

type Writer = (
  handle: FileHandle,
  tensors: readonly TensorInfo[],
  read: (info: TensorInfo) => Promise<Tensor>,
  metadata: Readonly<Record<string, string>>,
) => Promise<void>;

const writers: Readonly<Record<Exclude<Format, "onnx">, Writer>> = {
  safetensors: writeSafetensors,
  torch: writeTorch,
  npz: writeNpz,
};

/**
 * Writes tensors to a file. `read` is asked once for every tensor, in an order of the format's choosing.
 * `metadata` is kept by safetensors only; the other formats have no place for it.
 * Throws {@link UserError} when the file cannot be written, and whatever `read` throws; nothing is left behind then.
 * @example await writeCheckpoint("copy.pt", "torch", checkpoint.tensors.values(), checkpoint.read);
 */
export async function writeCheckpoint(
  path: string,
  format: Exclude<Format, "onnx">,
  tensors: Iterable<TensorInfo>,
  read: (name: string) => Promise<Tensor>,
  metadata: Record<string, string> = {},
): Promise<void> {
  const infos = [...tensors];
  if (new Set(infos.map(({ name }) => name)).size < infos.length)
    throw new Error(`two tensors of one name for ${path}`);
  const readAsAnnounced = async ({ name, dtype, shape }: TensorInfo) => {
    const tensor = await read(name);
    if (tensor.dtype === dtype && `${tensor.shape}` === `${shape}`) return tensor;
    throw new Error(`${name} is ${tensor.dtype}[${tensor.shape}], announced as ${dtype}[${shape}]`);
  };
  await writeAtomic(path, (handle) => writers[format](handle, infos, readAsAnnounced, metadata));
}
