// PyTorch's older form (before 1.6, and `_use_new_zipfile_serialization=False`): five pickles one after the other (a
// magic number, the protocol, facts on the machine, the object, the storages' keys), then for each key the number of
// elements in eight bytes and the elements, little endian on every machine.
import { UserError } from "../../core/index.ts";
import type { Checkpoint } from "../checkpoint.ts";
import { cutShort, damaged, quote, type Source } from "../source.ts";
import { copyPatched } from "../writing/patches.ts";
import { NumpyArray } from "./numpy.ts";
import { longestPickle, type PickleHost, unpickle } from "./pickle.ts";
import type { StoragePlace } from "./place.ts";
import { saveArrays } from "./state-dict.ts";
import { makeTorchCheckpoint, type TorchFile } from "./torch.ts";
import { storageWidth, type TorchStorage, torchHost } from "./values.ts";
import { isListOfDictionaries } from "./walk.ts";

const magic = 0x1950a86a20f9469cfc6cn;
const protocol = 1001;
/** Bytes that are read at first; the pickles of most files end within. */
const firstWindow = 1 << 20;

/** How pickles of protocols 0 and 1 begin, which have no mark of their own: with a dictionary. */
const oldPickle = /^(\(dp\d+\n|ccollections\nOrderedDict\n|\}q)/;

/** A pickle of any kind; whether it is PyTorch's shows when it is opened. */
export function isPickle(head: Uint8Array): boolean {
  return (head[0] === 0x80 && head[1] >= 2 && head[1] <= 5) || oldPickle.test(Buffer.from(head).toString("latin1"));
}

export async function openTorchLegacy(source: Source, key?: string): Promise<Checkpoint> {
  const { path } = source;
  const storages = new Map<string, TorchStorage>();
  const next = await pickleReader(source, torchHost(path, storages));
  const { value: first } = await next();
  if (first !== magic) return openPlainPickle(source, first, key);
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
      if (!place) throw damaged(path, `it lacks the storage ${quote(key)}`);
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
  return makeTorchCheckpoint(file, key);
}

/** A pickle that pickle.dump wrote; arrays of numpy lie in it whole. */
function openPlainPickle(source: Source, value: unknown, key?: string): Checkpoint {
  const { path } = source;
  if (!(value instanceof Map) && !isListOfDictionaries(value)) {
    const hasArrays = Array.isArray(value) && value.flat(8).some((item) => item instanceof NumpyArray);
    if (hasArrays)
      throw new UserError(`${path} is a pickle of a list of arrays, which have no names. In Python, ${saveArrays}.`);
    const fault = `${path} is a pickle, but not one that torch.save wrote`;
    throw new UserError(`${fault}. In Python, save model.state_dict() with torch.save.`);
  }
  const noStorage = () => damaged(path, "its pickle names storages, but there are none");
  const file: TorchFile = {
    source,
    value,
    bigEndian: false,
    locate: () => {
      throw noStorage();
    },
    rewrite: () => Promise.reject(noStorage()),
  };
  return makeTorchCheckpoint(file, key);
}

/** Runs pickle after pickle from the start of the file, reading further when one does not end within what was read. */
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
      if (window.length === source.size) throw cutShort(source.path, source.size + 1, source.size, "its pickle");
      if (window.length >= longestPickle) throw damaged(source.path, "its pickles are longer than any state dict's");
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
      throw damaged(path, `its storage ${quote(storage.key)} has ${count} elements where ${storage.total} are named`);
    }
    const begin = at + 8;
    const size = count * storageWidth(storage);
    if (begin + size > source.size) throw cutShort(path, begin + size, source.size);
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
