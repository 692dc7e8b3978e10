// Sums in threads, for large files: each thread reads and adds parts of two tensors that are contiguous in their files.
import { availableParallelism } from "node:os";
import { type Checkpoint, chunkBytes, storedName } from "../checkpoints/index.ts";
import { bytesPerElement, startThread, UserError } from "../core/index.ts";
import type { SumsOf } from "./distance.ts";
import type { Answer, Part } from "./sums.thread.ts";
import { addSums, noSums, type Sums } from "./sums.ts";

export interface Summing {
  /**
   * The sums of a tensor of two checkpoints, by its name in each; undefined if it is not contiguous in both, or the
   * dtypes differ.
   */
  of(
    files: readonly [Checkpoint, Checkpoint],
    names: readonly [string, string],
    onProgress: (elements: number) => void,
  ): ReturnType<SumsOf> | undefined;
  close(): Promise<void>;
}

/** Starts the threads. */
export function startSumming(count = Math.min(4, availableParallelism())): Summing {
  const threads = Array.from({ length: count }, () => {
    const worker = startThread("sums.thread", import.meta.url);
    const waiting: { resolve: (sums: Sums) => void; reject: (error: Error) => void }[] = [];
    worker.on("message", ({ sums, fault }: Answer) => {
      const { resolve, reject } = waiting.shift()!;
      if (sums) resolve(sums);
      else reject(new UserError(fault!));
    });
    worker.on("error", (error) => {
      for (const { reject } of waiting.splice(0)) reject(error);
    });
    const sums = (part: Part) => {
      worker.postMessage(part);
      return new Promise<Sums>((resolve, reject) => waiting.push({ resolve, reject }));
    };
    return { worker, sums };
  });
  let next = 0;
  return {
    of(files, names, onProgress) {
      const [x, y] = files.map((file, i) => ({
        size: file.range?.(names[i])?.size,
        dtype: file.tensors.get(names[i])!.dtype,
      }));
      if (x.size === undefined || y.size === undefined || x.dtype !== y.dtype) return undefined;
      const width = bytesPerElement(x.dtype);
      const [one, other] = files;
      const stored = [
        { path: one.path, key: one.key },
        { path: other.path, key: other.key },
      ] as const;
      const own = [storedName(one, names[0]), storedName(other, names[1])] as const;
      const parts: Promise<Sums>[] = [];
      for (let at = 0; at < x.size; at += chunkBytes) {
        const length = Math.min(chunkBytes, x.size - at);
        const part: Part = { files: stored, names: own, begin: at, length };
        const sums = threads[next++ % count].sums(part);
        parts.push(
          sums.then((done) => {
            onProgress(length / width);
            return done;
          }),
        );
      }
      return Promise.all(parts).then((all) => all.reduce(addSums, noSums));
    },
    async close() {
      await Promise.all(threads.map(({ worker }) => worker.terminate()));
    },
  };
}
