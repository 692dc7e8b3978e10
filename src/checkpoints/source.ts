// A file open for reading at any offset, and the sentences for what may be wrong with it. Lengths come from files that
// may lie: `read` compares with the file's size before it allocates anything.
import { type FileHandle, open, stat } from "node:fs/promises";
import { describeFileError, UserError } from "../core/index.ts";

export interface Source {
  readonly path: string;
  /** Bytes in the file when it was opened. */
  readonly size: number;
  /** Exactly `length` bytes from `offset`, in memory of their own, or in `memory` of that length. Throws {@link UserError} when the file ends before. */
  read(offset: number, length: number, memory?: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
  close(): Promise<void>;
}

/** Opens a regular file; a folder, a pipe, a missing or unreadable file is a {@link UserError}. */
export async function openSource(path: string): Promise<Source> {
  try {
    const info = await stat(path);
    if (!info.isFile()) {
      const kind = info.isDirectory() ? "a folder" : "not a regular file";
      throw new UserError(`${path} is ${kind}, where a checkpoint is expected. Give the path of a file.`);
    }
    const handle = await open(path, "r");
    return {
      path,
      size: info.size,
      read: withWindow(info.size, (offset, length, memory) =>
        readExactly(handle, path, info.size, offset, length, memory),
      ),
      close: () => handle.close(),
    };
  } catch (error) {
    throw readingError(error, path);
  }
}

/** Bytes that are read around a small read, and those up to which a read is small. */
const windowBytes = 1 << 18;
const smallRead = 1 << 15;

/** Small reads out of a window on the file, so that thousands of small tensors or headers in a row cost few calls of the system. */
function withWindow(size: number, read: Source["read"]): Source["read"] {
  let start = 0;
  let end = 0;
  let window: Promise<Uint8Array<ArrayBuffer>> | undefined;
  return async (offset, length, memory) => {
    if (length > smallRead || offset + length > size) return read(offset, length, memory);
    if (!window || offset < start || offset + length > end) {
      [start, end] = [offset, Math.min(offset + windowBytes, size)];
      window = read(start, end - start);
      window.catch(() => {
        window = undefined; // the next read asks again
      });
    }
    const from = offset - start;
    const bytes = (await window).subarray(from, from + length);
    if (!memory) return bytes.slice();
    memory.set(bytes);
    return memory;
  };
}

async function readExactly(
  handle: FileHandle,
  path: string,
  size: number,
  offset: number,
  length: number,
  memory?: Uint8Array<ArrayBuffer>,
) {
  if (offset + length > size) throw cutShort(path, offset + length, size);
  const bytes = memory ?? allocate(path, length);
  for (let at = 0; at < length; ) {
    const piece = Math.min(length - at, 1 << 30); // one call of the system reads at most 2 GiB
    const { bytesRead } = await handle.read(bytes, at, piece, offset + at).catch((error: unknown) => {
      throw readingError(error, path);
    });
    if (bytesRead === 0) throw new UserError(`${path} became shorter while it was read. Wait until it is complete.`);
    at += bytesRead;
  }
  return bytes;
}

/** Zeroed memory; {@link UserError} when it cannot be had in one piece (Node 20 gives at most 4 GiB). */
export function allocate(path: string, length: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(length);
  } catch (error) {
    const size = length.toLocaleString("en-GB");
    const fault = `${path} holds a tensor of ${size} bytes, more than this machine gives in one piece`;
    throw new UserError(`${fault}. Split the tensor, or use a machine with more memory.`, { cause: error });
  }
}

/** Any error of the operating system as one sentence; other errors as they are. */
function readingError(error: unknown, path: string): unknown {
  const described = describeFileError(error, path, "read");
  if (described instanceof UserError || !(error instanceof Error) || !("code" in error)) return described;
  return new UserError(`Cannot read ${path}: ${error.message}. Check the path and the disk.`, { cause: error });
}

/** The error for a file that another one names, where it is not there. */
export function missingPart(error: unknown, path: string, of: string): unknown {
  const isMissing = error instanceof UserError && (error.cause as NodeJS.ErrnoException | undefined)?.code === "ENOENT";
  if (!isMissing) return error;
  return new UserError(
    `Cannot read ${path}, in which ${of} has tensors: there is no such file. Copy it into the folder of ${of}.`,
    { cause: error },
  );
}

/** The file ends before what it announces: `needed` and `there` in bytes from its start, or of `part`. */
export function cutShort(path: string, needed: number, there: number, part = "its header"): UserError {
  const [a, b] = [needed, there].map((n) => n.toLocaleString("en-GB"));
  return new UserError(`${path} is cut short: ${part} names ${a} bytes but ${b} are there. Copy the file again.`);
}

/** The file contradicts itself or its format; `what` continues "PATH is damaged: ". */
export function damaged(path: string, what: string): UserError {
  return new UserError(`${path} is damaged: ${what}. Copy the file again, or save it again where it was made.`);
}

/** A text out of a file, fit for a message: quoted, without control characters, not too long. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
