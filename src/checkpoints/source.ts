// A file open for reading at any offset, and the errors about it. Lengths in files may be wrong, so `read` checks the
// file's size before it allocates memory.
import { type FileHandle, open, stat } from "node:fs/promises";
import { describeFileError, UserError } from "../core/index.ts";

export interface Source {
  readonly path: string;
  /** File size in bytes when it was opened. */
  readonly size: number;
  /**
   * Exactly `length` bytes from `offset`, in new memory or in `memory` of that length. Throws {@link UserError} if the
   * file is too short.
   */
  read(offset: number, length: number, memory?: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
  close(): Promise<void>;
}

/** Opens a regular file. Throws {@link UserError} for a folder, a pipe, or a missing or unreadable file. */
export async function openSource(path: string): Promise<Source> {
  try {
    const info = await stat(path);
    if (!info.isFile()) {
      const kind = info.isDirectory() ? "a folder" : "not a regular file";
      throw new UserError(`${path} is ${kind}, but a checkpoint file is expected. Give the path of a file.`);
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

/** Size of the window for small reads, and the largest small read, in bytes. */
const windowBytes = 1 << 18;
const smallRead = 1 << 15;

/** Serves small reads from a window of the file, so thousands of small tensors or headers need few system calls. */
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
        window = undefined; // the next read tries again
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
  if (offset + length > size) throw truncated(path, offset + length, size);
  const bytes = memory ?? allocate(path, length);
  for (let at = 0; at < length; ) {
    const piece = Math.min(length - at, 1 << 30); // one system call reads at most 2 GiB
    const { bytesRead } = await handle.read(bytes, at, piece, offset + at).catch((error: unknown) => {
      throw readingError(error, path);
    });
    if (bytesRead === 0)
      throw new UserError(`${path} became shorter while it was being read. Wait until it is complete.`);
    at += bytesRead;
  }
  return bytes;
}

/** Zeroed memory. Throws {@link UserError} if it cannot be allocated (Node 20 allocates at most 4 GiB at once). */
export function allocate(path: string, length: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(length);
  } catch (error) {
    const size = length.toLocaleString("en-GB");
    const fault = `${path} contains a tensor of ${size} bytes, more than this machine can allocate at once`;
    throw new UserError(`${fault}. Split the tensor, or use a machine with more memory.`, { cause: error });
  }
}

/** An error of the operating system as a {@link UserError}; other errors unchanged. */
function readingError(error: unknown, path: string): unknown {
  const described = describeFileError(error, path, "read");
  if (described instanceof UserError || !(error instanceof Error) || !("code" in error)) return described;
  return new UserError(`Cannot read ${path}: ${error.message}. Check the path and the disk.`, { cause: error });
}

/** The error for a missing file that `of` refers to; other errors unchanged. */
export function missingPart(error: unknown, path: string, of: string): unknown {
  const isMissing = error instanceof UserError && (error.cause as NodeJS.ErrnoException | undefined)?.code === "ENOENT";
  if (!isMissing) return error;
  return new UserError(`${path} does not exist, but ${of} stores tensors in it. Copy it into the folder of ${of}.`, {
    cause: error,
  });
}

/** The error for a truncated file: `needed` and `present` in bytes from its start, or of `part`. */
export function truncated(path: string, needed: number, present: number, part = "its header"): UserError {
  const [a, b] = [needed, present].map((n) => n.toLocaleString("en-GB"));
  return new UserError(
    `${path} is truncated: ${part} needs ${a} bytes, but only ${b} are present. Copy the file again.`,
  );
}

/** The error for a file that contradicts itself or its format; `what` continues "PATH is damaged: ". */
export function damaged(path: string, what: string): UserError {
  return new UserError(`${path} is damaged: ${what}. Copy the file again, or save it again.`);
}

/** A string from a file for a message: quoted, escaped and shortened. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
