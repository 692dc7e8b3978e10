import { describe, expect, it } from "vitest";
import { UsageError, UserError } from "../core/index.ts";
import { startWork } from "./work.ts";

const module = new URL("../../test/trouble.work.ts", import.meta.url);

describe("work in a separate process", () => {
  it("returns its output and reports progress", async () => {
    const reported: number[] = [];
    expect(await startWork<string, string, number>(module, "well", { onProgress: (p) => reported.push(p) })).toBe(
      "done: well",
    );
    expect(reported).toEqual([0.5]);
  });

  it("rejects with the user's error unchanged, and with a bug as a bug", async () => {
    await expect(startWork(module, "user error")).rejects.toThrow(new UserError("This is shown unchanged."));
    await expect(startWork(module, "wrong usage")).rejects.toBeInstanceOf(UsageError);
    const bug = await startWork(module, "bug").catch((error: Error) => error);
    expect(bug).not.toBeInstanceOf(UserError);
    expect((bug as Error).message).toBe("this is a bug");
  });

  it("turns a crash in native code into a UserError", async () => {
    await expect(startWork(module, "crash")).rejects.toThrow(/was killed by SIGSEGV.*Rerun the command/);
  });

  it("ends when its signal fires", async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error("enough")), 300);
    await expect(startWork(module, "hang", { signal: stop.signal })).rejects.toThrow("enough");
  });
});
