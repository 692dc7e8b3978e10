// The child process that does one piece of work and ends. One forked by startWork receives the work as a message and
// answers. One started as a unit of a job reads it from its arguments and writes a result file. Both end with their
// parent.
import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { makeFolder, takeLock, UsageError, UserError } from "../core/index.ts";
import type { Message, UnitWork, Work } from "./work.ts";

process.on("disconnect", () => process.exit(1));
const [unit] = process.argv.slice(2);
if (unit) void runUnit(JSON.parse(unit) as UnitWork);
else process.once("message", answer);

async function load(module: string, name = "default"): Promise<Work<unknown, unknown, unknown>> {
  return ((await import(module)) as Record<string, Work<unknown, unknown, unknown>>)[name];
}

async function answer({ module, name, input }: Omit<UnitWork, "result">): Promise<void> {
  try {
    const work = await load(module, name);
    const output = await work(input, (progress) => void send({ kind: "progress", progress }));
    await send({ kind: "done", output });
  } catch (error) {
    const { message, stack } = error as Error;
    await send({ kind: "failed", error: kindOf(error), message, stack });
  }
  process.exit(0);
}

const kindOf = (error: unknown) =>
  error instanceof UsageError ? "usage" : error instanceof UserError ? "user" : "bug";

const send = (message: Message | { progress: unknown }) =>
  new Promise<void>((resolve) => {
    if (process.connected) process.send!(message, undefined, undefined, () => resolve());
    else resolve();
  });

/** Makes the unit's result file, unless it exists or another process makes it. */
async function runUnit({ module, name, input, result }: UnitWork): Promise<void> {
  try {
    await makeFolder(dirname(result));
    const release = await waitForLock(result);
    if (release) {
      try {
        await (await load(module, name))(input, (progress) => void send({ progress }));
      } finally {
        await release();
      }
    }
    process.exit(0);
  } catch (error) {
    const { message, stack } = error as Error;
    console.error(error instanceof UserError ? message : `${stack}\n${message}`);
    process.exit(1);
  }
}

/** Waits while another process makes the file; undefined if it then exists. */
async function waitForLock(result: string): Promise<(() => Promise<void>) | undefined> {
  for (;;) {
    if (existsSync(result)) return undefined;
    const lock = await takeLock(join(dirname(result), `.${basename(result)}.lock`));
    if ("release" in lock) {
      if (!existsSync(result)) return lock.release;
      await lock.release();
      return undefined;
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
