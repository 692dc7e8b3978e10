// NumPy's .npz: a zip archive of .npy arrays, compressed or not. Opening decompresses only the header of each member.
// Reading an array reads the whole member, so its checksum is verified.
import { bytesPerElement, listSome, type Tensor, tensorFromBytes, UserError } from "../../core/index.ts";
import type { Zip, ZipEntry } from "../archive/zip.ts";
import { writeZip } from "../archive/zip-writer.ts";
import { byteLength, type Checkpoint, makeCheckpoint } from "../checkpoint.ts";
import { columnStrides, gather, swapBytes } from "../layout.ts";
import { damaged, quote, truncated } from "../source.ts";
import { replacement } from "../writing/patches.ts";
import { type NpyHeader, npyDataStart, npyPreamble, parseNpyHeader, type Unread, unreadDtype } from "./npy.ts";
import { addArray } from "./writer.ts";

const extension = ".npy";
/** Enough for nearly every header, so one read suffices. */
const usualHeader = 256;

interface Place extends NpyHeader {
  readonly entry: ZipEntry;
}

export function isNpz(zip: Zip): boolean {
  return [...zip.entries.keys()].some((name) => name.endsWith(extension));
}

/** Opens an archive whose members `NAME.npy` are the tensors; other members are ignored. */
export async function openNpz(zip: Zip): Promise<Checkpoint> {
  const places = new Map<string, Place>();
  const leftOut = new Map<string, string | undefined>();
  for (const entry of zip.entries.values()) {
    if (!entry.name.endsWith(extension)) continue;
    const header = await readHeader(zip, entry);
    if ("unread" in header) {
      leftOut.set(entry.name.slice(0, -extension.length), header.unread);
      continue;
    }
    const bytes = byteLength(header.dtype, header.shape);
    const member = `its array ${quote(entry.name)}`;
    if (bytes === undefined) throw damaged(zip.source.path, `${member} has an invalid shape`);
    const end = header.dataStart + bytes;
    if (end > entry.size) throw truncated(zip.source.path, end, entry.size, member);
    if (end < entry.size) throw damaged(zip.source.path, `${member} has ${entry.size - end} extra bytes`);
    places.set(entry.name.slice(0, -extension.length), { ...header, entry });
  }
  const others = [...leftOut.keys()];
  if (places.size === 0 && others.length) {
    for (const [name, dtype] of leftOut)
      if (dtype) throw unreadDtype(`${zip.source.path} cannot be read: its array ${quote(name + extension)}`, dtype);
    const fault = `${zip.source.path} contains no numeric arrays: ${listSome(others.map(quote), 3)} ${others.length > 1 ? "contain" : "contains"} objects or strings`;
    throw new UserError(`${fault}. Save each numeric array under its name with numpy.savez("arrays.npz", **arrays).`);
  }
  const checkpoint = makeCheckpoint(zip.source, "npz", places, (place) => readArray(zip, place));
  const notes = others.length
    ? [
        `${zip.source.path}: left out ${listSome(others.map(quote), 3)}, which ${others.length > 1 ? "are not numeric arrays" : "is not a numeric array"}.`,
      ]
    : [];
  return {
    ...checkpoint,
    notes,
    ...(others.length ? { leftOut } : {}),
    range(name) {
      const { entry, fortran, bigEndian, dataStart } = places.get(name)!;
      if (entry.deflated || (fortran && checkpoint.tensors.get(name)!.shape.length > 1) || bigEndian) return undefined;
      return {
        size: entry.size - dataStart,
        read: (begin, ...rest) => zip.readRange(entry, dataStart + begin, ...rest),
      };
    },
    async rewrite(output, names, replace) {
      const writer = writeZip(output);
      for (const entry of zip.entries.values()) {
        const name = entry.name.slice(0, -extension.length);
        const info = entry.name.endsWith(extension) && names.has(name) ? checkpoint.tensors.get(name) : undefined;
        const fresh = info && (await replacement(info, replace));
        if (info && fresh) await addArray(writer, entry.name, info, fresh);
        else await writer.addInPieces(entry.name, entry.size, zip.content(entry, { checked: true }));
      }
      await writer.finish();
    },
  };
}

async function readHeader(zip: Zip, entry: ZipEntry): Promise<NpyHeader | Unread> {
  const { path } = zip.source;
  const fault = (what: string) =>
    new UserError(`${path} cannot be read: its array ${quote(entry.name)} ${what}. Save it again with numpy.savez.`);
  const head = await zip.readRange(entry, 0, Math.min(entry.size, usualHeader));
  const start = npyDataStart(head.subarray(0, npyPreamble), fault);
  return parseNpyHeader(start <= head.length ? head.subarray(0, start) : await zip.readRange(entry, 0, start), fault);
}

async function readArray(
  zip: Zip,
  { entry, dtype, shape, complex, dataStart, fortran, bigEndian }: Place,
): Promise<Tensor> {
  const bytes = (await zip.readWhole(entry)).subarray(dataStart);
  const width = bytesPerElement(dtype);
  if (bigEndian) swapBytes(bytes, width);
  return tensorFromBytes(dtype, shape, fortran ? gather(bytes, width, shape, columnStrides(shape, complex)) : bytes);
}
