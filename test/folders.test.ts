// The size of the code's folders and files (docs/code-layout.md).
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { projectRoot } from "../src/core/index.ts";

const files = readdirSync(join(projectRoot, "src"), { recursive: true, withFileTypes: true })
  .filter(({ name }) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
  .map(({ name, parentPath }) => ({ folder: parentPath, path: join(parentPath, name) }));

it("no folder has more than 16 files, tests not counted", () => {
  const counts = new Map<string, number>();
  for (const { folder } of files) counts.set(folder, (counts.get(folder) ?? 0) + 1);
  expect(counts.size).toBeGreaterThan(15);
  expect([...counts].filter(([, count]) => count > 16)).toEqual([]);
});

it("no file has more than 400 lines", () => {
  const long = files.filter(({ path }) => readFileSync(path, "utf8").split("\n").length > 401);
  expect(long.map(({ path }) => path)).toEqual([]);
});
