// A file that is written from start to end. Small writes are buffered; large ones run while the next bytes are
// computed.
import type { FileHandle } from "node:fs/promises";

export interface Output {
  /** Appends bytes. They must stay unchanged until the next call has returned. */
  write(bytes: Uint8Array): Promise<void>;
  /** Bytes from `position` on may still be changed with {@link Output.patch}; undefined: none may. */
  hold(position: number | undefined): void;
  /** Overwrites bytes that were written before. */
  patch(position: number, bytes: Uint8Array): Promise<void>;
  /** Writes everything that is buffered. */
  flush(): Promise<void>;
}

/** Size of the buffer, and of the smallest write that bypasses it, in bytes. */
const gathered = 1 << 18;
const small = 1 << 16;
/** One system call writes at most 2 GiB. */
const mostAtOnce = 1 << 30;

/** Calls `onFinal` with the end of the bytes that are written and will not change. */
export function openOutput(handle: Pick<FileHandle, "write">, onFinal: (end: number) => void = () => {}): Output {
  let pending = Promise.resolve();
  let written = 0; // including bytes being written
  let held: number | undefined;
  let memory = [new Uint8Array(gathered), new Uint8Array(gathered)]; // one is filled while the other is written
  let used = 0;

  async function writeAt(bytes: Uint8Array, position: number): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await handle.write(bytes, at, Math.min(mostAtOnce, bytes.length - at), position + at);
      at += bytesWritten;
    }
  }

  async function begin(bytes: Uint8Array): Promise<void> {
    await pending;
    const [position, end] = [written, written + bytes.length];
    written = end;
    pending = writeAt(bytes, position).then(() => onFinal(Math.min(end, held ?? end)));
    pending.catch(() => {}); // the next call throws it
  }

  async function emptyMemory(): Promise<void> {
    if (used === 0) return;
    const bytes = memory[0].subarray(0, used);
    memory = memory.reverse();
    used = 0;
    await begin(bytes);
  }

  return {
    async write(bytes) {
      await pending;
      if (bytes.length < small) {
        if (used + bytes.length > gathered) await emptyMemory();
        memory[0].set(bytes, used);
        used += bytes.length;
        return;
      }
      await emptyMemory();
      await begin(bytes);
    },
    hold(position) {
      held = position;
    },
    async patch(position, bytes) {
      if (position >= written) memory[0].set(bytes, position - written);
      else {
        await emptyMemory();
        await pending;
        await writeAt(bytes, position);
      }
    },
    async flush() {
      await emptyMemory();
      await pending;
      onFinal(Math.min(written, held ?? written));
    },
  };
}
