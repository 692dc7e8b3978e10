// The places of tensors in storages, and storages with new elements. Tensors may share a storage, overlap in it, and
// repeat elements (stride 0, as torch.expand does): then one place stores several elements, and different new values
// cannot be stored.
import { bytesPerElement, UserError } from "../../core/index.ts";
import type { Replace, TensorInfo } from "../checkpoint.ts";
import { gather, isDense, scatter, swapBytes } from "../layout.ts";
import { quote, type Source } from "../source.ts";
import { type Patch, replacement } from "../writing/patches.ts";
import type { TorchTensor } from "./values.ts";

/** A storage in the file. */
export interface StoragePlace {
  readonly key: string;
  readonly size: number;
  /** Whether reading a part requires decompressing everything before it. */
  readonly packed: boolean;
  /** `length` bytes from `begin`, both within the storage; see {@link Source}. */
  read(begin: number, length: number, memory?: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
}

export interface Place extends TorchTensor {
  readonly at: StoragePlace;
  /** Offset of the first element in the storage, in bytes. */
  readonly begin: number;
  /** Bytes from the first element to the last, inclusive. */
  readonly span: number;
}

interface Placed extends Place {
  readonly info: TensorInfo;
}

/** Groups of tensors that are the same elements of a storage; the last name of a group comes first. */
function samePlaces(tensors: readonly Placed[]): Placed[][] {
  const groups = new Map<string, Placed[]>();
  for (const one of tensors) {
    const key = JSON.stringify([one.begin, one.dtype, one.shape, one.strides]);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key)!.unshift(one);
  }
  return [...groups.values()];
}

/**
 * Patches for the tensors in one storage; undefined if one is strided or overlaps another. Of tied tensors the last one
 * is used.
 */
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

/** The new elements of tied tensors. */
async function freshOf(same: readonly Placed[], replace: Replace): Promise<AsyncIterable<Uint8Array> | undefined> {
  for (const { info } of same) {
    const fresh = await replacement(info, replace);
    if (fresh) return fresh;
  }
  return undefined;
}

/**
 * A storage with its tensors replaced, built in memory. Throws {@link UserError} if one place would need two values.
 */
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
        `${source.path} stores several elements of ${quote(info.name)} in one place (as torch.expand and views do), but their new values differ. In Python, save tensor.contiguous().clone() in place of each tensor, and give that file.`,
      );
  }
  yield bytes;
}

async function joined(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const copies: Uint8Array[] = [];
  for await (const piece of pieces) copies.push(piece.slice());
  return new Uint8Array(Buffer.concat(copies));
}
