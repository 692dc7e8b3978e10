// The child process that carries out one piece of work and ends: one that startWork forks is sent it and answers; one that is started as a task finds it in its
// arguments, makes a file and leaves nothing else. It also ends when its parent does.
import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { makeFolder, takeLock, UserError } from "../core/index.ts";
import type { Message, UnitWork, Work } from "./work.ts";

process.on("disconnect", () => process.exit(1));
const [task] = process.argv.slice(2);
if (task) void carryOut(JSON.parse(task) as UnitWork);
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
    await send({ kind: "failed", expected: error instanceof UserError, message, stack });
  }
  process.exit(0);
}

const send = (message: Message | { progress: unknown }) =>
  new Promise<void>((resolve) => {
    if (process.connected) process.send!(message, undefined, undefined, () => resolve());
    else resolve();
  });

/** Makes the task's file, unless it is there or another process is making it. */
async function carryOut({ module, name, input, result }: UnitWork): Promise<void> {
  try {
    await makeFolder(dirname(result));
    const release = await lockOf(result);
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

/** Waits while another process makes the file; undefined once it is there. */
async function lockOf(result: string): Promise<(() => Promise<void>) | undefined> {
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
