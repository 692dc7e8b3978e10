import { describe, expect, it } from "vitest";
import { UserError } from "../core/index.ts";
import { startWork } from "./work.ts";

const module = new URL("../../test/trouble.work.ts", import.meta.url);

describe("work in a process of its own", () => {
  it("gives back its output and reports progress", async () => {
    const heard: number[] = [];
    expect(await startWork<string, string, number>(module, "well", { onProgress: (p) => heard.push(p) })).toBe(
      "done: well",
    );
    expect(heard).toEqual([0.5]);
  });

  it("passes a failure on, the user's as it is and a bug as a bug", async () => {
    await expect(startWork(module, "user error")).rejects.toThrow(new UserError("This is told as it is."));
    const bug = await startWork(module, "bug").catch((error: Error) => error);
    expect(bug).not.toBeInstanceOf(UserError);
    expect((bug as Error).message).toBe("this is a bug");
  });

  it("turns a crash in native code into a sentence", async () => {
    await expect(startWork(module, "crash")).rejects.toThrow(/was killed by SIGSEGV.*Run the command again/);
  });

  it("ends when it is told to", async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error("enough")), 300);
    await expect(startWork(module, "hang", { signal: stop.signal })).rejects.toThrow("enough");
  });
});
