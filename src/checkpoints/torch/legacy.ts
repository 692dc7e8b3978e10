// PyTorch's older format (before 1.6, or `_use_new_zipfile_serialization=False`): five consecutive pickles (a magic
// number, the protocol, machine information, the object, the storages' keys), then for each key the number of elements
// in eight bytes and the elements, always little endian.
import { dirname } from "node:path";
import { UserError } from "../../core/index.ts";
import type { Checkpoint } from "../checkpoint.ts";
import { unpackedIn } from "../folder.ts";
import type { KeyChoice } from "../keys.ts";
import { damaged, quote, type Source, truncated } from "../source.ts";
import { copyPatched } from "../writing/patches.ts";
import { saveArrays } from "./frameworks.ts";
import { NumpyArray } from "./numpy.ts";
import { longestPickle, type PickleHost, unpickle } from "./pickle.ts";
import type { StoragePlace } from "./place.ts";
import { makeTorchCheckpoint, type TorchFile } from "./torch.ts";
import { storageWidth, type TorchStorage, torchHost } from "./values.ts";
import { isListOfDictionaries } from "./walk.ts";

const magic = 0x1950a86a20f9469cfc6cn;
const protocol = 1001;
/** Number of bytes read first; the pickles of most files are shorter. */
const firstWindow = 1 << 20;

/** The start of pickles of protocols 0 and 1, which have no magic bytes: a dictionary. */
const oldPickle = /^(\(dp\d+\n|ccollections\nOrderedDict\n|\}q)/;

/** Whether the file is a pickle of any kind; opening it shows whether PyTorch wrote it. */
export function isPickle(head: Uint8Array): boolean {
  return (head[0] === 0x80 && head[1] >= 2 && head[1] <= 5) || oldPickle.test(Buffer.from(head).toString("latin1"));
}

export async function openTorchLegacy(source: Source, choice: KeyChoice = {}): Promise<Checkpoint> {
  const { path } = source;
  const storages = new Map<string, TorchStorage>();
  const next = await pickleReader(source, torchHost(path, storages));
  const { value: first } = await next();
  if (first !== magic) return openPlainPickle(source, first, choice);
  if ((await next()).value !== protocol) throw damaged(path, "its protocol is not 1001");
  await next();
  const { value } = await next();
  const { value: keys, end } = await next();
  const places = await locateStorages(source, keys, storages, end);
  const file: TorchFile = {
    source,
    value,
    bigEndian: false,
    locate: ({ key }) => {
      const place = places.get(key);
      if (!place) throw damaged(path, `the storage ${quote(key)} is missing`);
      return place;
    },
    rewrite: (output, keys, fresh) =>
      copyPatched(
        source,
        output,
        [...keys].map((key) => {
          const { begin, size } = places.get(key)!;
          return { begin, length: size, bytes: async () => fresh(key) };
        }),
      ),
  };
  return makeTorchCheckpoint(file, choice);
}

/** A pickle written by pickle.dump, which contains whole NumPy arrays. */
function openPlainPickle(source: Source, value: unknown, choice: KeyChoice = {}): Checkpoint {
  const { path } = source;
  if (!(value instanceof Map) && !isListOfDictionaries(value)) {
    const hasArrays = Array.isArray(value) && value.flat(8).some((item) => item instanceof NumpyArray);
    if (hasArrays)
      throw new UserError(`${path} is a pickled list of arrays, which have no names. In Python, ${saveArrays}.`);
    const fault = `${path} is a pickle that was not written by torch.save`;
    throw new UserError(`${fault}. In Python, save model.state_dict() with torch.save.`);
  }
  const noStorage = () =>
    unpackedIn(dirname(path)) ?? damaged(path, "its pickle refers to storages, but the file contains none");
  const file: TorchFile = {
    source,
    value,
    bigEndian: false,
    locate: () => {
      throw noStorage();
    },
    rewrite: () => Promise.reject(noStorage()),
  };
  return makeTorchCheckpoint(file, choice);
}

/** Returns a function that runs the next pickle of the file, reading more bytes if needed. */
async function pickleReader(source: Source, host: PickleHost) {
  let window = await source.read(0, Math.min(source.size, firstWindow));
  let at = 0;
  return async (): Promise<{ value: unknown; end: number }> => {
    for (;;) {
      const result = unpickle(window, at, host);
      if (result) {
        at = result.end;
        return result;
      }
      if (window.length === source.size) throw truncated(source.path, source.size + 1, source.size, "its pickle");
      if (window.length >= longestPickle) throw damaged(source.path, "its pickles are too long for a state dict");
      window = await source.read(0, Math.min(source.size, 4 * window.length));
    }
  };
}

async function locateStorages(source: Source, keys: unknown, storages: Map<string, TorchStorage>, start: number) {
  const { path } = source;
  if (!Array.isArray(keys)) throw damaged(path, "it has no list of storages");
  const places = new Map<string, StoragePlace & { readonly begin: number }>();
  let at = start;
  for (const key of keys as unknown[]) {
    const storage = typeof key === "string" ? storages.get(key) : undefined;
    if (!storage) throw damaged(path, "it lists a storage that no tensor uses");
    const count = Number(new DataView((await source.read(at, 8)).buffer).getBigUint64(0, true));
    if (count !== storage.total) {
      throw damaged(
        path,
        `its storage ${quote(storage.key)} has ${count} elements, but its pickle declares ${storage.total}`,
      );
    }
    const begin = at + 8;
    const size = count * storageWidth(storage);
    if (begin + size > source.size) throw truncated(path, begin + size, source.size);
    places.set(storage.key, {
      key: storage.key,
      begin,
      size,
      packed: false,
      read: (offset, ...rest) => source.read(begin + offset, ...rest),
    });
    at = begin + size;
  }
  return places;
}
