import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { UserError } from "./errors.ts";
import { makeFolder, requireWritable, writeAtomic } from "./files.ts";

const folder = mkdtempSync(join(tmpdir(), "layerwise-files-"));

describe("files", () => {
  it("are written whole, and their folders are made", async () => {
    const path = join(folder, "a/b/c.txt");
    await writeAtomic(path, "whole");
    expect(readFileSync(path, "utf8")).toBe("whole");
    expect(await makeFolder(join(folder, "a/b"))).toBeUndefined();
    expect(await makeFolder(join(folder, "x/y"))).toBe(join(folder, "x"));
  });

  it("leave nothing when writing fails", async () => {
    const failing = writeAtomic(join(folder, "none.txt"), async (handle) => {
      await handle.writeFile("half");
      throw new Error("cut");
    });
    await expect(failing).rejects.toThrow("cut");
    expect(readdirSync(folder).filter((name) => name.includes("none"))).toEqual([]);
  });

  it("are checked for writing before the work, which leaves no new folder", async () => {
    await requireWritable(join(folder, "new/below"));
    expect(existsSync(join(folder, "new"))).toBe(false);
    await requireWritable("~"); // a name of one letter, in the working folder
    expect(existsSync("~")).toBe(false);
    await requireWritable(folder);
    expect(existsSync(folder)).toBe(true);
    writeFileSync(join(folder, "taken"), "");
    await expect(requireWritable(join(folder, "taken"))).rejects.toThrow(UserError);
  });

  it("that cannot be written give a UserError, soon", async () => {
    writeFileSync(join(folder, "file"), "");
    for (const path of [join(folder, "file/below.txt"), "/proc/none/file.txt"].filter(() => existsSync("/proc")))
      await expect(writeAtomic(path, "x")).rejects.toThrow(UserError);
  });
});
