// Content hashes: of bytes, of files (streamed) and of plain values (keys sorted, so equal values hash equally).
import { createHash } from "node:crypto";
import { closeSync, createReadStream, openSync, readSync } from "node:fs";
import { stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import type { Answer, Order } from "./hash.thread.ts";
import { startThread } from "./threads.ts";

/** SHA-256 of bytes, as 64 hexadecimal digits. */
export function sha256(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** SHA-256 of a file of any size, synchronously. */
export function sha256FileSync(path: string): string {
  const hash = createHash("sha256");
  const file = openSync(path, "r");
  try {
    const chunk = new Uint8Array(1 << 20);
    for (let read = readSync(file, chunk); read > 0; read = readSync(file, chunk)) hash.update(chunk.subarray(0, read));
    return hash.digest("hex");
  } finally {
    closeSync(file);
  }
}

/** File size from which hashing in a thread is faster. */
export const threadedBytes = 1 << 25;

/** SHA-256 of a file of any size; large files are hashed in a separate thread. */
export async function sha256File(path: string, signal?: AbortSignal): Promise<string> {
  if ((await stat(path)).size < threadedBytes) return sha256Streamed(path);
  const hashing = hashWritten(path, signal);
  return hashing.digest();
}

async function sha256Streamed(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  return hash.digest("hex");
}

/**
 * SHA-256 of several files: for one file its own hash, for more the hash of their concatenated hexadecimal hashes. Up
 * to four are hashed at a time. Rejects when `signal` fires.
 */
export async function sha256Files(paths: readonly string[], signal?: AbortSignal): Promise<string> {
  const hashes: string[] = [];
  const left = [...paths.entries()];
  const hashSome = async () => {
    for (let next = left.shift(); next; next = left.shift()) hashes[next[0]] = await sha256File(next[1], signal);
  };
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism(), paths.length) }, hashSome));
  return hashes.length === 1 ? hashes[0] : sha256(hashes.join(""));
}

/** Hashes a file while it is written. */
export interface Hashing {
  /** Hashes the bytes before `end`, which will not change any more. */
  upTo(end: number): void;
  /** The hash of the whole file; call it when the file is complete. */
  digest(): Promise<string>;
  stop(): Promise<void>;
}

/** Hashes a file in a thread while this process writes it, so its bytes are still in the system's cache. */
export function hashWritten(path: string, signal?: AbortSignal): Hashing {
  const thread = startThread("hash.thread", import.meta.url);
  thread.unref();
  const stop = async () => void (await thread.terminate());
  const digest = new Promise<string>((resolve, reject) => {
    thread.on("message", ({ digest, fault }: Answer) => {
      if (digest) resolve(digest);
      else reject(Object.assign(new Error(fault!.message), { code: fault!.code }));
    });
    thread.on("error", reject);
    const abort = () => {
      reject(signal!.reason);
      stop();
    };
    if (signal?.aborted) abort();
    signal?.addEventListener("abort", abort, { once: true });
    thread.on("exit", () => {
      signal?.removeEventListener("abort", abort);
      reject(new Error(`the thread that hashes ${path} has ended`));
    });
  });
  digest.catch(() => {}); // rejects where it is awaited
  const order = (end: number | undefined, last: boolean) => thread.postMessage({ path, end, last } satisfies Order);
  return {
    upTo: (end) => order(end, false),
    digest: () => {
      thread.ref();
      order(undefined, true);
      return digest.finally(stop);
    },
    stop,
  };
}

/** SHA-256 of a JSON value; the order of keys does not matter. */
export function sha256Value(value: unknown): string {
  return sha256(JSON.stringify(sorted(value)));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, v]) => v !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([k, v]) => [k, sorted(v)]),
  );
}
