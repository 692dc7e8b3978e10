// Writes a checkpoint, in full or not at all, with one tensor or a few pieces of it in memory at a time. The same
// tensors always give the same bytes.
import { writeAtomic } from "../../core/index.ts";
import type { Elements, Format, TensorInfo } from "../checkpoint.ts";
import { writeNpz } from "../npz/writer.ts";
import { writeSafetensors } from "../safetensors/writer.ts";
import { writeTorch } from "../torch/writer.ts";
import { type BytesOf, bytesIn } from "./elements.ts";
import { type Output, openOutput } from "./output.ts";

type Writer = (
  output: Output,
  tensors: readonly TensorInfo[],
  bytesOf: BytesOf,
  metadata: Readonly<Record<string, string>>,
) => Promise<void>;

const writers: Readonly<Record<Exclude<Format, "onnx">, Writer>> = {
  safetensors: writeSafetensors,
  torch: writeTorch,
  npz: writeNpz,
};

/**
 * Writes tensors to a file: whole or not at all, and the same bytes for the same tensors. `read` is called once for
 * every tensor, in an order of the format's choosing. `metadata` is kept by safetensors only; the other formats have no
 * place for it. Throws a {@link UserError} if the file cannot be written, and whatever `read` throws.
 * @example
 * ```ts
 * import { openCheckpoint, writeCheckpoint } from "layerwise/checkpoints";
 *
 * const tensors = [{ name: "weight", dtype: "float32", shape: [1, 2] }] as const;
 * await writeCheckpoint("new.pt", "torch", tensors, async () => ({ ...tensors[0], data: new Float32Array([1, 2]) }));
 * const checkpoint = await openCheckpoint("new.pt");
 * console.log((await checkpoint.read("weight")).data); // Float32Array(2) [ 1, 2 ]
 * await checkpoint.close();
 * ```
 */
export async function writeCheckpoint(
  path: string,
  format: Exclude<Format, "onnx">,
  tensors: Iterable<TensorInfo>,
  read: (name: string) => Promise<Elements>,
  metadata: Record<string, string> = {},
): Promise<void> {
  const infos = [...tensors];
  if (new Set(infos.map(({ name }) => name)).size < infos.length) throw new Error(`duplicate tensor names for ${path}`);
  await writeAtomic(path, async (handle) => {
    const output = openOutput(handle);
    await writeTensors(output, format, infos, read, metadata);
    await output.flush();
  });
}

/** Writes tensors in a format. */
export function writeTensors(
  output: Output,
  format: Exclude<Format, "onnx">,
  infos: readonly TensorInfo[],
  read: (name: string) => Promise<Elements>,
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  const bytes = async function* (info: TensorInfo) {
    yield* bytesIn(info, await read(info.name), "announced as");
  };
  return writers[format](output, infos, bytes, metadata);
}
