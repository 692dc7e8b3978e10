// PyTorch's .pt, .pth, .th: a pickle that describes tensors over storages, and the storages. Two outer forms: a zip
// archive (since PyTorch 1.6, zip.ts) and a chain of pickles with the storages behind them (legacy.ts).
// Here: from the pickle's value to a checkpoint. Tensors may share storages, lie in them with strides, and repeat elements
// (stride 0), so a tensor may be larger than its file; how much larger is bounded.
import type { FileHandle } from "node:fs/promises";
import { bytesPerElement, type Tensor, tensorFromBytes } from "../../core/index.ts";
import { byteLength, type Checkpoint, makeCheckpoint } from "../checkpoint.ts";
import { gather, isDense, scatter, spanOf, swapBytes } from "../layout.ts";
import { replacement } from "../rewrite.ts";
import { cutShort, damaged, quote, type Source } from "../source.ts";
import { findStateDict } from "./state-dict.ts";
import { storageWidth, type TorchStorage, type TorchTensor } from "./values.ts";

/** Where a storage lies in the file. */
export interface StoragePlace {
  readonly key: string;
  readonly size: number;
  /** `length` bytes from `begin`, both within the storage; see {@link Source}. */
  read(begin: number, length: number, memory?: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
}

export interface TorchFile {
  readonly source: Source;
  /** The unpickled value. */
  readonly value: unknown;
  readonly bigEndian: boolean;
  /** Throws {@link UserError} when the file lacks the storage. */
  locate(storage: TorchStorage): StoragePlace;
  /** Writes a copy of the file in which the storages of `keys` have the bytes that `fresh` gives. */
  rewrite(handle: FileHandle, keys: ReadonlySet<string>, fresh: (key: string) => Promise<Uint8Array>): Promise<void>;
}

/** A tensor may always have this many bytes, and all together a hundred times this. */
const smallSize = 1 << 20;
/** How many times its own size a file's tensors may come to; tied weights and repeated elements make it more than once. */
const mostSharing = 100;

interface Place extends TorchTensor {
  readonly at: StoragePlace;
  /** Of the first element, in bytes within the storage. */
  readonly begin: number;
  /** From the first element to the last, in bytes. */
  readonly span: number;
}

/** The checkpoint of an opened file; every tensor is checked against its storage now, its bytes are read later. */
export function makeTorchCheckpoint(file: TorchFile): Checkpoint {
  const { source } = file;
  const places = new Map<string, Place>();
  let total = 0;
  for (const [name, tensor] of findStateDict(source.path, file.value)) {
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
      if (file.bigEndian || !isDense(shape, strides)) return undefined;
      return { size: span, read: (from, ...rest) => at.read(begin + from, ...rest) };
    },
    async rewrite(handle, names, replace) {
      const byStorage = new Map<string, string[]>();
      for (const name of names) {
        const { key } = places.get(name)!.at;
        byStorage.set(key, [...(byStorage.get(key) ?? []), name]);
      }
      await file.rewrite(handle, new Set(byStorage.keys()), async (key) => {
        const [first] = byStorage.get(key)!;
        const { at } = places.get(first)!;
        const bytes = await at.read(0, at.size);
        for (const name of byStorage.get(key)!) {
          const { begin, dtype, shape, strides } = places.get(name)!;
          const fresh = (await replacement(checkpoint.tensors.get(name)!, replace))?.slice();
          if (!fresh) continue;
          const width = bytesPerElement(dtype);
          if (file.bigEndian) swapBytes(fresh, width);
          scatter(fresh, bytes, begin, width, shape, strides);
        }
        return bytes;
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
    groups.set(key, [...(groups.get(key) ?? []), name]);
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
