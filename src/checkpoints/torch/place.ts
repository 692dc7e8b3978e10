// Where tensors lie in storages, and storages with new elements in them. Tensors may share a storage, overlap each other in it, and repeat their own elements
// (stride 0, as torch.expand leaves them): then one place holds several elements, and new ones that differ have no room.
import { bytesPerElement, UserError } from "../../core/index.ts";
import type { Replace, TensorInfo } from "../checkpoint.ts";
import { gather, isDense, scatter, swapBytes } from "../layout.ts";
import { quote, type Source } from "../source.ts";
import { type Patch, replacement } from "../writing/patches.ts";
import type { TorchTensor } from "./values.ts";

/** Where a storage is in the file. */
export interface StoragePlace {
  readonly key: string;
  readonly size: number;
  /** Whether reading a part takes unpacking what is before it. */
  readonly packed: boolean;
  /** `length` bytes from `begin`, both within the storage; see {@link Source}. */
  read(begin: number, length: number, memory?: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
}

export interface Place extends TorchTensor {
  readonly at: StoragePlace;
  /** Of the first element, in bytes within the storage. */
  readonly begin: number;
  /** From the first element to the last, in bytes. */
  readonly span: number;
}

interface Placed extends Place {
  readonly info: TensorInfo;
}

/** Tensors that are the same elements of a storage: of these the last counts. */
function samePlaces(tensors: readonly Placed[]): Placed[][] {
  const groups = new Map<string, Placed[]>();
  for (const one of tensors) {
    const key = JSON.stringify([one.begin, one.dtype, one.shape, one.strides]);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key)!.unshift(one);
  }
  return [...groups.values()];
}

/** Patches for the tensors in one storage; undefined where one has strides or overlaps another one. Of tensors in one place the last counts. */
export function patchesIn(tensors: readonly Placed[], replace: Replace): Patch[] | undefined {
  if (!tensors.every(({ shape, strides }) => isDense(shape, strides))) return undefined;
  const places = samePlaces(tensors).sort(([a], [b]) => a.begin - b.begin);
  const overlaps = places.some(
    ([{ begin, span }], i) => i + 1 < places.length && begin + span > places[i + 1][0].begin,
  );
  if (overlaps) return undefined;
  return places.map((same) => ({
    begin: same[0].begin,
    length: same[0].span,
    bytes: () => freshOf(same, replace),
  }));
}

/** The new elements of tensors in one place. */
async function freshOf(same: readonly Placed[], replace: Replace): Promise<AsyncIterable<Uint8Array> | undefined> {
  for (const { info } of same) {
    const fresh = await replacement(info, replace);
    if (fresh) return fresh;
  }
  return undefined;
}

/** A storage in memory, with its tensors replaced wherever their elements are. Throws {@link UserError} where one place would need two values. */
export async function* rewritten(
  tensors: readonly Placed[],
  replace: Replace,
  { source, bigEndian }: { readonly source: Pick<Source, "path">; readonly bigEndian: boolean },
): AsyncGenerator<Uint8Array> {
  const [{ at }] = tensors;
  const before = await at.read(0, at.size);
  const bytes = before.slice();
  const taken = new Uint8Array(bytes.length);
  for (const same of samePlaces(tensors)) {
    const [{ begin, span, dtype, shape, strides, info }] = same;
    const width = bytesPerElement(dtype);
    const pieces = await freshOf(same, replace);
    const own = () => gather(before.slice(begin, begin + span), width, shape, strides);
    const elements = pieces ? await joined(pieces) : span > 0 ? own() : new Uint8Array(0);
    if (pieces && bigEndian) swapBytes(elements, width);
    if (!scatter(elements, bytes, begin, width, shape, strides, taken))
      throw new UserError(
        `${source.path} keeps several elements of ${quote(info.name)} in one place (torch.expand and views leave a tensor so), but the new ones differ. In Python, save each tensor as tensor.contiguous().clone(), and give that file.`,
      );
  }
  yield bytes;
}

async function joined(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const copies: Uint8Array[] = [];
  for await (const piece of pieces) copies.push(piece.slice());
  return new Uint8Array(Buffer.concat(copies));
}
