// A thread that hashes files, also while they are written: each order says up to which byte a file is final.
import { createHash, type Hash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { parentPort } from "node:worker_threads";

/** Continue hashing a file up to byte `end`, by default up to its present end. */
export interface Order {
  readonly path: string;
  readonly end?: number;
  /** Then answer with the digest, and close the file. */
  readonly last: boolean;
}

/** The answer to a file's last order. */
export interface Answer {
  readonly digest?: string;
  readonly fault?: { readonly message: string; readonly code?: string };
}

interface Hashing {
  readonly file: number;
  readonly hash: Hash;
  at: number;
}

/** Reused for every read; small enough to stay in a core's cache until it is hashed. */
const memory = new Uint8Array(1 << 18);
const open = new Map<string, Hashing>();

function carryOut({ path, end = Number.POSITIVE_INFINITY, last }: Order): string | undefined {
  const own = open.get(path) ?? { file: openSync(path, "r"), hash: createHash("sha256"), at: 0 };
  open.set(path, own);
  while (own.at < end) {
    const count = readSync(own.file, memory, 0, Math.min(memory.length, end - own.at), own.at);
    if (count === 0) break;
    own.hash.update(memory.subarray(0, count));
    own.at += count;
  }
  if (!last) return undefined;
  open.delete(path);
  closeSync(own.file);
  return own.hash.digest("hex");
}

parentPort!.on("message", (order: Order) => {
  let answer: Answer;
  try {
    answer = { digest: carryOut(order) };
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    answer = { fault: { message, code } };
  }
  if (order.last || answer.fault) parentPort!.postMessage(answer);
});
