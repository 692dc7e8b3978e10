// A file that is written from front to back. Small writes are gathered, and a large one goes on while the next bytes are made.
import type { FileHandle } from "node:fs/promises";

export interface Output {
  /** Appends bytes. They must stay as they are until the next call has returned. */
  write(bytes: Uint8Array): Promise<void>;
  /** From here on bytes may still be changed by {@link Output.patch}; until now, or the last call, none may. */
  hold(position: number | undefined): void;
  /** Changes bytes that were written before. */
  patch(position: number, bytes: Uint8Array): Promise<void>;
  /** Writes all that was gathered. */
  flush(): Promise<void>;
}

/** Bytes that are gathered, and those from which on a write is not small. */
const gathered = 1 << 18;
const small = 1 << 16;
/** One call of the system writes at most 2 GiB. */
const mostAtOnce = 1 << 30;

/** `onFinal` is called with the end of what is written and will not change. */
export function openOutput(handle: Pick<FileHandle, "write">, onFinal: (end: number) => void = () => {}): Output {
  let pending = Promise.resolve();
  let written = 0; // or being written
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
