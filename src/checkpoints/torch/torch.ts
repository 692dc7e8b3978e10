// PyTorch's .pt, .pth, .th: a pickle that describes tensors over storages, and the storages. Two outer forms: a zip
// archive (since PyTorch 1.6, zip.ts) and a chain of pickles with the storages behind them (legacy.ts).
// Here: from the pickle's value to a checkpoint. Tensors may share storages, lie in them with strides, and repeat elements
// (stride 0), so a tensor may be larger than its file; how much larger is bounded.
import { bytesPerElement, type Tensor, tensorFromBytes } from "../../core/index.ts";
import { byteLength, type Checkpoint, makeCheckpoint } from "../checkpoint.ts";
import { gather, isDense, spanOf, swapBytes } from "../layout.ts";
import { makeRing } from "../pieces.ts";
import { cutShort, damaged, quote, type Source } from "../source.ts";
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
  /** Throws {@link UserError} when the file lacks the storage. */
  locate(storage: TorchStorage): StoragePlace;
  /** Writes a copy of the file in which the storages of `keys` have the bytes that `fresh` gives. */
  rewrite(output: Output, keys: ReadonlySet<string>, fresh: (key: string) => AsyncIterable<Uint8Array>): Promise<void>;
}

/** A tensor may always have this many bytes, and all together a hundred times this. */
const smallSize = 1 << 20;
/** How many times its own size a file's tensors may come to; tied weights and repeated elements make it more than once. */
const mostSharing = 100;

/** The checkpoint of an opened file: of the dictionary at `key`, or of the one that is the network. */
export function makeTorchCheckpoint(file: TorchFile, key?: string): Checkpoint {
  const { tensors, prefix, isTree, ...found } = findStateDict(file.source.path, file.value, key);
  const isArrays = [...tensors.values()].some(isFilledArray);
  const checkpoint = isArrays
    ? checkpointOfArrays(file, tensors as ReadonlyMap<string, FilledArray>, isTree)
    : checkpointOfTensors(file, tensors as ReadonlyMap<string, TorchTensor>);
  return { ...checkpoint, ...found, ...(key === undefined ? {} : { key, keyPrefix: prefix }) };
}

/** Arrays of numpy, which lie in the pickle itself. */
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
      ? `${path} holds tensors of a TPU or the like as numpy's arrays, which layerwise reads but does not write. In Python, move the model to the CPU, save model.state_dict() with torch.save, and give that file.`
      : `${path} is a pickle of numpy's arrays, which layerwise reads but does not write. In Python, ${isTree ? 'give each a name of its own ("layer/weight"), save them with numpy.savez' : 'save the arrays with numpy.savez("weights.npz", **arrays)'}, and give that file.`,
  };
}

/** Every tensor is checked against its storage now, its bytes are read later. */
function checkpointOfTensors(file: TorchFile, tensors: ReadonlyMap<string, TorchTensor>): Checkpoint {
  const { source } = file;
  const places = new Map<string, Place>();
  let total = 0;
  for (const [name, tensor] of tensors) {
    const place = placeTensor(file, name, tensor);
    total += byteLength(tensor.dtype, tensor.shape) ?? Number.POSITIVE_INFINITY;
    if (total > mostSharing * Math.max(source.size, place.at.size, smallSize)) {
      throw damaged(source.path, `its tensors claim over ${mostSharing} times its size`);
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

function placeTensor({ source, locate }: TorchFile, name: string, tensor: TorchTensor): Place {
  const { dtype, shape, strides, storage, offset } = tensor;
  const part = `the tensor ${quote(name)}`;
  const bytes = byteLength(dtype, shape);
  if (bytes === undefined) throw damaged(source.path, `${part} has a shape that is none`);
  const at = locate(storage);
  const storageBytes = storageWidth(storage) * storage.total;
  if (storageBytes > at.size) throw cutShort(source.path, storageBytes, at.size, `the storage of ${part}`);
  const width = bytesPerElement(dtype);
  const begin = storage.offset * storageWidth(storage) + offset * width;
  const span = spanOf(shape, strides) * width;
  const end = (storage.offset + storage.length) * storageWidth(storage);
  if (span > 0 && begin + span > end) throw damaged(source.path, `${part} reaches beyond its storage`);
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
