// A thread that reads parts of two files and sums them. It reuses memory, since allocating costs more than reading.
import { parentPort } from "node:worker_threads";
import { type Checkpoint, chunkBytes, openCheckpoint } from "../checkpoints/index.ts";
import { bytesPerElement, tensorFromBytes, UserError } from "../core/index.ts";
import { type Sums, sumsOf } from "./sums.ts";

/** A file and the chosen dictionary. */
interface StoredFile {
  readonly path: string;
  readonly key?: string;
}

/** `length` bytes (at most a chunk) of a tensor of two files. */
export interface Part {
  readonly files: readonly [StoredFile, StoredFile];
  /** The tensor's stored name in each file. */
  readonly names: readonly [string, string];
  readonly begin: number;
  readonly length: number;
}

/** Answers are sent in the order of the parts. */
export interface Answer {
  readonly sums?: Sums;
  /** An error message for the user. */
  readonly fault?: string;
}

const opened = new Map<string, Promise<Checkpoint>>();
const memory = [new Uint8Array(chunkBytes), new Uint8Array(chunkBytes)];

async function answerTo({ files, names, begin, length }: Part): Promise<Answer> {
  try {
    const [a, b] = await Promise.all(
      files.map(async ({ path, key }, i) => {
        const place = JSON.stringify([path, key]);
        if (!opened.has(place)) opened.set(place, openCheckpoint(path, { key, asStored: true }));
        const file = await opened.get(place)!;
        const { dtype } = file.tensors.get(names[i])!;
        const bytes = await file.range!(names[i])!.read(begin, length, memory[i].subarray(0, length));
        return tensorFromBytes(dtype, [length / bytesPerElement(dtype)], bytes);
      }),
    );
    return { sums: sumsOf(a, b) };
  } catch (error) {
    if (error instanceof UserError) return { fault: error.message };
    throw error;
  }
}

let last = Promise.resolve();
parentPort!.on("message", (part: Part) => {
  last = last.then(async () => parentPort!.postMessage(await answerTo(part)));
});
