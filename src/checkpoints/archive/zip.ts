// Reads zip archives, the container of PyTorch's and NumPy's files: first the directory at the end, then a member's
// bytes on request. Supports stored and deflated members and zip64 (beyond 4 GiB); no encryption. A member whose
// claimed size is impossible for deflate is refused. Source: PKWARE's APPNOTE.TXT 6.3.
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { crc32, createInflateRaw } from "node:zlib";
import { UserError } from "../../core/index.ts";
import { inPieces, makeRing } from "../pieces.ts";
import { allocate, damaged, quote, type Source, truncated } from "../source.ts";

export interface ZipEntry {
  readonly name: string;
  /** Size of the member in bytes, decompressed and in the archive. */
  readonly size: number;
  readonly packedSize: number;
  readonly deflated: boolean;
  readonly crc: number;
  /** Offset of its local header. */
  readonly offset: number;
}

export interface Zip {
  readonly source: Source;
  readonly entries: ReadonlyMap<string, ZipEntry>;
  /** `length` bytes of a member from `begin`; does not verify its checksum. */
  readRange(
    entry: ZipEntry,
    begin: number,
    length: number,
    memory?: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer>>;
  /** A whole member in pieces, whose memory is reused every third time; `checked` verifies the checksum. */
  content(entry: ZipEntry, options?: { checked?: boolean }): AsyncIterable<Uint8Array>;
  /** A whole member; verifies its checksum. */
  readWhole(entry: ZipEntry): Promise<Uint8Array<ArrayBuffer>>;
}

/** Deflate expands two bits to at most 258 bytes. */
const greatestRatio = 1032;
/** Enough for hundreds of thousands of members. */
const longestDirectory = 64 << 20;

export function isZip(head: Uint8Array): boolean {
  return head[0] === 0x50 && head[1] === 0x4b && ((head[2] === 3 && head[3] === 4) || (head[2] === 5 && head[3] === 6));
}

/** Reads the archive's directory. */
export async function openZip(source: Source): Promise<Zip> {
  const { path } = source;
  const { offset, length } = await findDirectory(source);
  if (offset + length > source.size) throw truncated(path, offset + length, source.size, "its directory");
  if (length > longestDirectory) throw damaged(path, "its directory is too long for a checkpoint's");
  const entries = new Map<string, ZipEntry>();
  for (const entry of parseDirectory(path, await source.read(offset, length), offset)) {
    if (entries.has(entry.name)) throw damaged(path, `it contains two members named ${quote(entry.name)}`);
    entries.set(entry.name, entry);
  }
  const readRange: Zip["readRange"] = async (entry, begin, length, memory) => {
    if (begin + length > entry.size)
      throw truncated(path, begin + length, entry.size, `its member ${quote(entry.name)}`);
    const start = await findContent(source, entry);
    return entry.deflated
      ? inflateRange(source, entry, start, begin, length)
      : source.read(start + begin, length, memory);
  };
  const mismatch = ({ name }: ZipEntry) => damaged(path, `the checksum of its member ${quote(name)} does not match`);
  const readWhole = async (entry: ZipEntry) => {
    const bytes = await readRange(entry, 0, entry.size);
    if (crc32(bytes) !== entry.crc) throw mismatch(entry);
    return bytes;
  };
  const ring = makeRing();
  const content: Zip["content"] = async function* (entry, { checked } = {}) {
    if (entry.deflated) {
      yield checked ? await readWhole(entry) : await readRange(entry, 0, entry.size);
      return;
    }
    let crc = 0;
    const start = await findContent(source, entry);
    for await (const piece of inPieces(source.read, start, entry.size, ring)) {
      if (checked) crc = crc32(piece, crc);
      yield piece;
    }
    if (checked && crc !== entry.crc) throw mismatch(entry);
  };
  return { source, entries, readRange, content, readWhole };
}

/** The position of the central directory, from the record at the end of the archive (or its zip64 record). */
async function findDirectory(source: Source): Promise<{ offset: number; length: number }> {
  const tailLength = Math.min(source.size, 22 + 65535 + 20);
  const tailStart = source.size - tailLength;
  const tail = viewOf(await source.read(tailStart, tailLength));
  let at = tailLength - 22;
  while (
    at >= 0 &&
    !(tail.getUint32(at, true) === 0x06054b50 && at + 22 + tail.getUint16(at + 20, true) <= tailLength)
  ) {
    at--;
  }
  if (at < 0) {
    throw new UserError(
      `${source.path} is truncated: the directory at the end of the zip archive is missing. Copy the file again.`,
    );
  }
  const record = { length: tail.getUint32(at + 12, true), offset: tail.getUint32(at + 16, true) };
  if (at < 20 || tail.getUint32(at - 20, true) !== 0x07064b50) return record;
  const wide = viewOf(await source.read(readUint64(tail, at - 12), 56));
  if (wide.getUint32(0, true) !== 0x06064b50) throw damaged(source.path, "its zip64 directory record is missing");
  return { length: readUint64(wide, 40), offset: readUint64(wide, 48) };
}

/** The members in a directory; `limit` is the directory's offset, before which every member must end. */
function* parseDirectory(path: string, bytes: Uint8Array, limit: number): Generator<ZipEntry> {
  const view = viewOf(bytes);
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  for (let at = 0; at < bytes.length; ) {
    if (at + 46 > bytes.length || view.getUint32(at, true) !== 0x02014b50)
      throw damaged(path, "its directory is invalid");
    const [nameLength, extraLength, noteLength] = [28, 30, 32].map((i) => view.getUint16(at + i, true));
    const extraStart = at + 46 + nameLength;
    const next = extraStart + extraLength + noteLength;
    if (next > bytes.length) throw damaged(path, "its directory is invalid");
    const name = decoder.decode(bytes.subarray(at + 46, extraStart));
    const member = `its member ${quote(name)}`;
    const narrow = { size: 24, packedSize: 20, offset: 42 };
    const sizes = widen(view, at, narrow, bytes.subarray(extraStart, extraStart + extraLength));
    if (!sizes) throw damaged(path, `${member} has no zip64 sizes`);
    const { size, packedSize, offset } = sizes;
    const method = view.getUint16(at + 10, true);
    if (view.getUint16(at + 8, true) & 1) throw new UserError(`${path} is encrypted. Save it without a password.`);
    if (method !== 0 && method !== 8) {
      throw new UserError(
        `${path} compresses ${quote(name)} with method ${method}, which layerwise does not read. Create the archive again with stored or deflated members.`,
      );
    }
    if (offset + 30 + packedSize > limit) throw damaged(path, `${member} overlaps the directory`);
    if (size > (method === 8 ? greatestRatio * packedSize : packedSize)) {
      throw damaged(path, `${member} claims ${size} bytes, but only ${packedSize} are stored`);
    }
    yield { name, size, packedSize, offset, deflated: method === 8, crc: view.getUint32(at + 16, true) };
    at = next;
  }
}

/** Numbers of a directory entry; those with all bits set are in the zip64 extra field, in this order. */
function widen<K extends string>(view: DataView, at: number, narrow: Record<K, number>, extra: Uint8Array) {
  const wide = viewOf(extra);
  let [from, to] = [0, 0];
  for (let i = 0; i + 4 <= extra.length; i += 4 + wide.getUint16(i + 2, true)) {
    if (wide.getUint16(i, true) === 1)
      [from, to] = [i + 4, Math.min(i + 4 + wide.getUint16(i + 2, true), extra.length)];
  }
  const numbers = {} as Record<K, number>;
  for (const key of Object.keys(narrow) as K[]) {
    numbers[key] = view.getUint32(at + narrow[key], true);
    if (numbers[key] !== 0xffffffff) continue;
    if (from + 8 > to) return undefined;
    numbers[key] = readUint64(wide, from);
    from += 8;
  }
  return numbers;
}

/** The offset of a member's bytes, after its local header. */
async function findContent({ path, size, read }: Source, entry: ZipEntry): Promise<number> {
  const header = viewOf(await read(entry.offset, 30));
  if (header.getUint32(0, true) !== 0x04034b50)
    throw damaged(path, `its member ${quote(entry.name)} is not at its recorded position`);
  const start = entry.offset + 30 + header.getUint16(26, true) + header.getUint16(28, true);
  if (start + entry.packedSize > size)
    throw truncated(path, start + entry.packedSize, size, `its member ${quote(entry.name)}`);
  return start;
}

async function inflateRange(source: Source, entry: ZipEntry, start: number, begin: number, length: number) {
  const fault = (what: string) => damaged(source.path, `its member ${quote(entry.name)} ${what}`);
  const bytes = allocate(source.path, length);
  const whole = begin === 0 && length === entry.size;
  let at = 0; // within the decompressed member
  try {
    for await (const chunk of inflate(source, start, entry.packedSize)) {
      if (at + chunk.length > entry.size) throw fault(`decompresses to more than the ${entry.size} bytes it claims`);
      const from = Math.max(begin - at, 0); // within the chunk
      const piece = chunk.subarray(from, Math.max(begin + length - at, from));
      if (piece.length > 0) bytes.set(piece, at + from - begin);
      at += chunk.length;
      if (at >= begin + length && !whole) break;
    }
  } catch (error) {
    if (error instanceof UserError || !(error instanceof Error) || !("code" in error)) throw error;
    throw fault("cannot be decompressed"); // zlib's own errors carry a code such as Z_DATA_ERROR
  }
  if (at < begin + length) throw fault(`decompresses to ${at} bytes, but claims ${entry.size}`);
  return bytes;
}

async function* inflate(source: Source, start: number, length: number): AsyncGenerator<Uint8Array> {
  const stream = createInflateRaw({ chunkSize: 1 << 16 });
  const packed = async function* () {
    for (let at = 0; at < length; at += 1 << 16) yield source.read(start + at, Math.min(1 << 16, length - at));
  };
  const done = pipeline(Readable.from(packed()), stream);
  done.catch(() => {}); // iterating over the stream throws the same error
  yield* stream;
}

/** An unsigned 64-bit integer; rounded beyond 2^53, which no file size reaches. */
function readUint64(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
