// Worker threads: modules named `*.thread.ts`, compiled beforehand, or on the fly under the test runner.
import { Worker } from "node:worker_threads";

/** Starts the module `name` as a thread; it is in the folder of the file `base` (an import.meta.url). */
export function startThread(name: string, base: string): Worker {
  const isSource = base.endsWith(".ts");
  const module = new URL(`./${name}.${isSource ? "ts" : "js"}`, base);
  if (!isSource) return new Worker(module);
  const load = `import("tsx/esm/api").then(({ register }) => { register(); return import("${module.href}"); })`;
  return new Worker(load, { eval: true });
}
