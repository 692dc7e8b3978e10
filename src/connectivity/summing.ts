// Sums in a thread of their own, for files so large that reading and adding side by side pays.
import { Worker } from "node:worker_threads";
import type { Tensor } from "../core/index.ts";
import { siblingModule } from "../runtime/index.ts";
import type { Sums } from "./sums.ts";

export interface Summing {
  /** The sums of two tensors, which may not be used any more. */
  sums(a: Tensor, b: Tensor): Promise<Sums>;
  close(): Promise<void>;
}

/** Starts the thread. */
export function startSumming(): Summing {
  const module = siblingModule("sums.thread", import.meta.url);
  // under the test runner the thread compiles on the fly too
  const fromSource = `import("tsx/esm/api").then(({ register }) => { register(); return import("${module.href}"); })`;
  const worker = module.href.endsWith(".ts") ? new Worker(fromSource, { eval: true }) : new Worker(module);
  const waiting: { resolve: (sums: Sums) => void; reject: (error: Error) => void }[] = [];
  worker.on("message", (sums: Sums) => waiting.shift()!.resolve(sums));
  worker.on("error", (error) => {
    for (const { reject } of waiting.splice(0)) reject(error);
  });
  return {
    sums(a, b) {
      const pair = [owned(a), owned(b)];
      worker.postMessage(
        pair,
        pair.map(({ data }) => data.buffer),
      );
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    },
    async close() {
      await worker.terminate();
    },
  };
}

/** The tensor with a buffer of its own, to be given away; a part of a larger one is copied. */
function owned(tensor: Tensor): Tensor & { data: { buffer: ArrayBuffer } } {
  const { data } = tensor;
  const whole = data.byteLength === data.buffer.byteLength ? data : data.slice();
  return { ...tensor, data: whole } as Tensor & { data: { buffer: ArrayBuffer } };
}
