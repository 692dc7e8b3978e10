// A pickled dictionary of plain values and NumPy arrays, such as CIFAR's Python files: not weights, but read by the
// same unpickler, which executes nothing.
import { readFile } from "node:fs/promises";
import { describeFileError, type Tensor } from "../../core/index.ts";
import { damaged } from "../source.ts";
import { isFilledArray, readArray } from "./numpy.ts";
import { unpickle } from "./pickle.ts";
import { Unknown } from "./unknown.ts";
import { torchHost } from "./values.ts";

/**
 * Reads a file's dictionary: arrays as tensors, keys and other bytes as strings. Throws {@link UserError} for anything
 * else.
 */
export async function readPickledDictionary(path: string): Promise<ReadonlyMap<string, unknown>> {
  const bytes = await readFile(path).catch((error) => {
    throw describeFileError(error, path, "read");
  });
  const result = unpickle(bytes, 0, torchHost(path, new Map()));
  if (!result) throw damaged(path, "its pickle ends too early");
  if (!(result.value instanceof Map) || result.value instanceof Unknown)
    throw damaged(path, "its pickle does not contain a dictionary");
  return new Map([...result.value].map(([key, value]) => [`${plain(key)}`, plain(value)]));
}

/** Decodes bytes: Python 3 has bytes where Python 2 had strings. */
function plain(value: unknown): unknown | Tensor {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.length).toString("utf8");
  if (Array.isArray(value)) return value.map(plain);
  return isFilledArray(value) ? readArray(value) : value;
}
