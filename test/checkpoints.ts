// What tests of checkpoint files share: a folder that goes away, tensors of every kind, files made and read in one call.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { type Format, openCheckpoint, readAll, writeCheckpoint } from "../src/checkpoints/index.ts";
import { bytesOf, bytesPerElement, dtypes, sizeOf, type Tensor, tensorFromBytes } from "../src/core/index.ts";

/** Formats that can be written. */
export const formats: readonly Exclude<Format, "onnx">[] = ["safetensors", "torch", "npz"];

/** A new folder, removed when the tests end. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "layerwise-test-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Tensors of any dtype, shape (scalars and empty ones too) and bit pattern, under any names. */
export const anyTensors: fc.Arbitrary<Map<string, Tensor>> = fc
  .uniqueArray(fc.string({ minLength: 1, maxLength: 12, unit: "binary" }), { maxLength: 6 })
  .chain((names) => fc.tuple(...names.map((name) => fc.tuple(fc.constant(name), fc.noShrink(anyTensor())))))
  .map((entries) => new Map(entries));

function anyTensor(): fc.Arbitrary<Tensor> {
  const shapes = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 });
  return fc.tuple(fc.constantFrom(...dtypes), shapes).chain(([dtype, shape]) => {
    const length = sizeOf(shape) * bytesPerElement(dtype);
    return fc
      .uint8Array({ minLength: length, maxLength: length, max: dtype === "bool" ? 1 : 255 })
      .map((bytes) => tensorFromBytes(dtype, shape, bytes));
  });
}

export async function writeTensors(
  path: string,
  format: Exclude<Format, "onnx">,
  tensors: ReadonlyMap<string, Tensor>,
  metadata?: Record<string, string>,
): Promise<void> {
  const infos = [...tensors].map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
  await writeCheckpoint(path, format, infos, async (name) => tensors.get(name)!, metadata);
}

/** Opens a file, or bytes put into `path` first, and reads all of it. */
export async function readTensors(path: string, bytes?: Uint8Array): Promise<Map<string, Tensor>> {
  if (bytes) writeFileSync(path, bytes);
  const checkpoint = await openCheckpoint(path);
  try {
    return await readAll(checkpoint);
  } finally {
    await checkpoint.close();
  }
}

/** Tensors in a form that `toEqual` compares to the last bit, names in order. */
export function plain(tensors: ReadonlyMap<string, Tensor>): [string, string, readonly number[], string][] {
  return [...tensors].map(([name, tensor]) => [
    name,
    tensor.dtype,
    tensor.shape,
    Buffer.from(bytesOf(tensor)).toString("hex"),
  ]);
}
