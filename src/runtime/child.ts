// The child process that startWork forks: runs one piece of work, answers, and ends. It also ends when its parent does.
import { UserError } from "../core/index.ts";
import type { Message, Work } from "./work.ts";

const send = (message: Message) =>
  new Promise<void>((resolve) => {
    if (process.connected) process.send!(message, undefined, undefined, () => resolve());
    else resolve();
  });

process.on("disconnect", () => process.exit(1));
process.once("message", async ({ module, input }: { module: string; input: unknown }) => {
  try {
    const { default: work } = (await import(module)) as { default: Work<unknown, unknown, unknown> };
    const output = await work(input, (progress) => void send({ kind: "progress", progress }));
    await send({ kind: "done", output });
  } catch (error) {
    const { message, stack } = error as Error;
    await send({ kind: "failed", expected: error instanceof UserError, message, stack });
  }
  process.exit(0);
});
