// Writes zip archives, one uncompressed member after the other. The output is reproducible: no timestamps, no
// compression. A member's content starts at a multiple of 64 bytes, as PyTorch pads it, so it can be mapped into
// memory. Beyond 4 GiB the archive is zip64. Source: PKWARE's APPNOTE.TXT 6.3, sections 4.3 and 4.5.
import { crc32 } from "node:zlib";
import type { Output } from "../writing/output.ts";

export interface ZipWriter {
  /** Appends a member, given in pieces. Names must differ. */
  add(name: string, ...pieces: Uint8Array[]): Promise<void>;
  /** Appends a member of `size` bytes from pieces. */
  addInPieces(name: string, size: number, pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void>;
  /** Writes the directory; nothing can be added after it. */
  finish(): Promise<void>;
}

const version = 45; // of the format, the first with zip64
const utf8Name = 0x0800;
const firstOfJanuary1980 = 0x0021; // the earliest date in the format
const elsewhere = 0xffffffff; // the number is in the zip64 field

/** @param limit smallest size or offset that is written as zip64; lower only in tests */
export function writeZip(output: Output, limit = 0xffffffff): ZipWriter {
  const directory: Uint8Array[] = [];
  let count = 0;
  let at = 0;
  const narrow = (n: number) => (n < limit ? n : elsewhere);
  const wide = (...numbers: number[]) => {
    const long = numbers.filter((n) => n >= limit);
    return long.length > 0 ? pack(`22${"8".repeat(long.length)}`, 1, 8 * long.length, ...long) : new Uint8Array(0);
  };

  async function write(...pieces: Uint8Array[]): Promise<void> {
    for (const piece of pieces) {
      if (piece.length > 0) await output.write(piece);
      at += piece.length;
    }
  }

  async function add(name: string, ...pieces: Uint8Array[]): Promise<void> {
    await addInPieces(
      name,
      pieces.reduce((sum, piece) => sum + piece.length, 0),
      pieces,
    );
  }

  /** The checksum precedes the content, so it is patched in afterwards. */
  async function addInPieces(
    name: string,
    size: number,
    pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<void> {
    const nameBytes = new TextEncoder().encode(name);
    const flags = nameBytes.length === name.length ? 0 : utf8Name;
    const offset = at;
    // version, flags, method (0, stored), time, date, checksum, packed size, size, length of the name
    const common = (crc: number) =>
      [version, flags, 0, 0, firstOfJanuary1980, crc, narrow(size), narrow(size), nameBytes.length] as const;
    const sizes = wide(size, size);
    const padding = -(offset + 30 + nameBytes.length + sizes.length + 4) & 63;
    const filler = [pack("22", 0x4246, padding), new Uint8Array(padding)]; // "FB", the field that PyTorch pads with
    output.hold(offset);
    await write(pack("42222244422", 0x04034b50, ...common(0), sizes.length + 4 + padding), nameBytes, sizes, ...filler);
    const begin = at;
    let crc = 0;
    for await (const piece of pieces) {
      // Node's crc32 resets the sum for an empty piece
      if (piece.length > 0) crc = crc32(piece, crc);
      await write(piece);
    }
    if (at - begin !== size) throw new Error(`${at - begin} bytes for ${name}, announced as ${size}`);
    await output.patch(offset + 14, pack("4", crc));
    output.hold(undefined);
    const places = wide(size, size, offset);
    // length of the extra fields and of the note, disk, inner and outer attributes, offset
    const entry = [...common(crc), places.length, 0, 0, 0, 0, narrow(offset)];
    directory.push(pack("42222224442222244", 0x02014b50, version, ...entry), nameBytes, places);
    count++;
  }

  async function finish(): Promise<void> {
    const offset = at;
    await write(...directory);
    const length = at - offset;
    const end = at;
    if (offset >= limit || length >= limit || count >= 0xffff) {
      await write(pack("4822448888", 0x06064b50, 44, version, version, 0, 0, count, count, length, offset));
      await write(pack("4484", 0x07064b50, 0, end, 1));
    }
    const shown = Math.min(count, 0xffff);
    await write(pack("42222442", 0x06054b50, 0, 0, shown, shown, narrow(length), narrow(offset), 0));
  }

  return { add, addInPieces, finish };
}

/** Unsigned little-endian integers of the given widths (a digit each, in bytes). */
function pack(widths: string, ...numbers: number[]): Uint8Array {
  const bytes: number[] = [];
  for (const [i, width] of [...widths].entries()) {
    for (let n = numbers[i], k = 0; k < Number(width); k++, n = Math.floor(n / 256)) bytes.push(n % 256);
  }
  return Uint8Array.from(bytes);
}
