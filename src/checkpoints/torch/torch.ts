// PyTorch's .pt, .pth, .th: a pickle that describes tensors as views of storages, and the storages. Two containers: a
// zip archive (since PyTorch 1.6, zip.ts) and a sequence of pickles followed by the storages (legacy.ts). This file
// makes a checkpoint from the pickle's value. Tensors may share storages, be strided, and repeat elements (stride 0),
// so a tensor may be larger than its file, up to a limit.
import { bytesPerElement, type Tensor, tensorFromBytes } from "../../core/index.ts";
import { byteLength, type Checkpoint, makeCheckpoint } from "../checkpoint.ts";
import type { KeyChoice } from "../keys.ts";
import { gather, isDense, spanOf, swapBytes } from "../layout.ts";
import { makeRing } from "../pieces.ts";
import { damaged, quote, type Source, truncated } from "../source.ts";
import type { Output } from "../writing/output.ts";
import { patched } from "../writing/patches.ts";
import { type FilledArray, isFilledArray, readArray } from "./numpy.ts";
import { type Place, patchesIn, rewritten, type StoragePlace } from "./place.ts";
import { findStateDict } from "./state-dict.ts";
import { storageWidth, type TorchStorage, type TorchTensor } from "./values.ts";

export interface TorchFile {
  readonly source: Source;
  /** The unpickled value. */
  readonly value: unknown;
  readonly bigEndian: boolean;
  /** Throws {@link UserError} if the storage is missing. */
  locate(storage: TorchStorage): StoragePlace;
  /** Writes a copy of the file with the storages `keys` replaced by the bytes from `fresh`. */
  rewrite(output: Output, keys: ReadonlySet<string>, fresh: (key: string) => AsyncIterable<Uint8Array>): Promise<void>;
}

/** A tensor may always have this many bytes, and all together {@link mostSharing} times this. */
const smallSize = 1 << 20;
/**
 * Largest total size of a file's tensors, relative to its own; tied weights and repeated elements count several times.
 */
const mostSharing = 100;

/** The checkpoint of an opened file: the dictionary at `key`, or the one that is the network. */
export function makeTorchCheckpoint(file: TorchFile, { key, end }: KeyChoice = {}): Checkpoint {
  const { tensors, prefix, isTree, outside, ...found } = findStateDict(file.source.path, file.value, key, end);
  const isArrays = [...tensors.values()].some(isFilledArray);
  const checkpoint = isArrays
    ? checkpointOfArrays(file, tensors as ReadonlyMap<string, FilledArray>, isTree)
    : checkpointOfTensors(file, tensors as ReadonlyMap<string, TorchTensor>);
  const shared = isArrays ? undefined : sharedWith(tensors as ReadonlyMap<string, TorchTensor>, outside);
  return {
    ...checkpoint,
    ...found,
    ...(shared?.size ? { sharedOutside: shared } : {}),
    ...(key === undefined ? {} : { key, keyPrefix: prefix }),
  };
}

/** NumPy arrays, which are inside the pickle. */
function checkpointOfArrays(
  { source }: TorchFile,
  arrays: ReadonlyMap<string, FilledArray>,
  isTree: boolean,
): Checkpoint {
  const places = new Map([...arrays].map(([name, array]) => [name, { ...array.content, array }]));
  const checkpoint = makeCheckpoint(source, "npz", places, async ({ array }) => readArray(array));
  const { path } = source;
  const ofDevice = [...arrays.values()].some(({ isDeviceTensor }) => isDeviceTensor);
  return {
    ...checkpoint,
    readOnly: ofDevice
      ? `${path} stores tensors of a TPU or similar device as NumPy arrays, which layerwise reads but does not write. In Python, move the model to the CPU, save model.state_dict() with torch.save, and give that file.`
      : `${path} is a pickle of NumPy arrays, which layerwise reads but does not write. In Python, ${isTree ? 'give each array a unique name ("layer/weight"), save them with numpy.savez' : 'save the arrays with numpy.savez("weights.npz", **arrays)'}, and give that file.`,
  };
}

/** Checks every tensor against its storage now; the bytes are read later. */
function checkpointOfTensors(file: TorchFile, tensors: ReadonlyMap<string, TorchTensor>): Checkpoint {
  const { source } = file;
  const places = new Map<string, Place>();
  let total = 0;
  for (const [name, tensor] of tensors) {
    const place = placeTensor(file, name, tensor);
    total += byteLength(tensor.dtype, tensor.shape) ?? Number.POSITIVE_INFINITY;
    if (total > mostSharing * Math.max(source.size, place.at.size, smallSize)) {
      throw damaged(source.path, `its tensors claim more than ${mostSharing} times its size`);
    }
    places.set(name, place);
  }
  const checkpoint = makeCheckpoint(source, "torch", places, (place) => readTensor(place, file.bigEndian));
  return {
    ...checkpoint,
    tied: tiedOf(places),
    range(name) {
      const { at, begin, span, shape, strides } = places.get(name)!;
      if (at.packed || file.bigEndian || !isDense(shape, strides)) return undefined;
      return { size: span, read: (from, ...rest) => at.read(begin + from, ...rest) };
    },
    async rewrite(output, names, replace) {
      const byStorage = new Map<string, string[]>();
      for (const name of names) {
        const { key } = places.get(name)!.at;
        if (!byStorage.has(key)) byStorage.set(key, []);
        byStorage.get(key)!.push(name);
      }
      const ring = makeRing();
      await file.rewrite(output, new Set(byStorage.keys()), (key) => {
        const tensors = byStorage
          .get(key)!
          .map((name) => ({ info: checkpoint.tensors.get(name)!, ...places.get(name)! }));
        const [{ at }] = tensors;
        const patches = file.bigEndian || at.packed ? undefined : patchesIn(tensors, replace);
        return patches ? patched(at.read, at.size, patches, ring) : rewritten(tensors, replace, file);
      });
    },
  };
}

/** Names of tensors that are the same elements of the same storage. */
function tiedOf(places: ReadonlyMap<string, Place>): string[][] {
  const groups = new Map<string, string[]>();
  for (const [name, { at, begin, shape, strides, span }] of places) {
    if (span === 0) continue;
    const key = JSON.stringify([at.key, begin, shape, strides]);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key)!.push(name);
  }
  return [...groups.values()].filter((names) => names.length > 1);
}

/** By tensor: the names of others that have elements in common with it. */
function sharedWith(
  tensors: ReadonlyMap<string, TorchTensor>,
  others: ReadonlyMap<string, TorchTensor>,
): Map<string, string[]> {
  const byStorage = new Map<string, string[]>();
  for (const [name, { storage }] of others) {
    if (!byStorage.has(storage.key)) byStorage.set(storage.key, []);
    byStorage.get(storage.key)!.push(name);
  }
  const shared = new Map<string, string[]>();
  for (const [name, tensor] of tensors) {
    const own = bytesIn(tensor);
    const found = (byStorage.get(tensor.storage.key) ?? []).filter((name) => {
      const other = bytesIn(others.get(name)!);
      return other.begin < own.begin + own.span && own.begin < other.begin + other.span;
    });
    if (found.length) shared.set(name, found);
  }
  return shared;
}

/** Where a tensor's bytes begin in its storage, and how many there are from its first to its last element. */
function bytesIn({ dtype, storage, offset, shape, strides }: TorchTensor): Pick<Place, "begin" | "span"> {
  const width = bytesPerElement(dtype);
  return {
    begin: storage.offset * storageWidth(storage) + offset * width,
    span: spanOf(shape, strides) * width,
  };
}

function placeTensor({ source, locate }: TorchFile, name: string, tensor: TorchTensor): Place {
  const { dtype, shape, storage } = tensor;
  const part = `the tensor ${quote(name)}`;
  const bytes = byteLength(dtype, shape);
  if (bytes === undefined) throw damaged(source.path, `${part} has an invalid shape`);
  const at = locate(storage);
  const storageBytes = storageWidth(storage) * storage.total;
  if (storageBytes > at.size) throw truncated(source.path, storageBytes, at.size, `the storage of ${part}`);
  const { begin, span } = bytesIn(tensor);
  const end = (storage.offset + storage.length) * storageWidth(storage);
  if (span > 0 && begin + span > end) throw damaged(source.path, `${part} extends beyond its storage`);
  if (bytes > Math.max(source.size, at.size, smallSize)) {
    throw damaged(source.path, `${part} claims ${bytes} bytes, more than the whole file`);
  }
  return { ...tensor, at, begin, span };
}

async function readTensor({ dtype, shape, strides, at, begin, span }: Place, bigEndian: boolean): Promise<Tensor> {
  const width = bytesPerElement(dtype);
  const bytes = span > 0 ? await at.read(begin, span) : new Uint8Array(0);
  if (bigEndian) swapBytes(bytes, width);
  return tensorFromBytes(dtype, shape, isDense(shape, strides) ? bytes : gather(bytes, width, shape, strides));
}
