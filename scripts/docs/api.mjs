// The API reference, made by typedoc from the types and docstrings of the entry points (typedoc.json). Its warnings are
// errors: an exported name without documentation, a type that is referred to and not exported, a broken link.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../setup.mjs";

/** The pages of the reference, by their paths in the project. */
export function apiFiles() {
  const folder = mkdtempSync(join(tmpdir(), "layerwise-docs-"));
  try {
    const typedoc = join(root, "node_modules/typedoc/bin/typedoc");
    const { status, stdout, stderr } = spawnSync(process.execPath, [typedoc, "--out", folder], {
      cwd: root,
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`typedoc failed:\n${stdout}${stderr}`);
    const pages = readdirSync(folder, { recursive: true }).filter((name) => statSync(join(folder, name)).isFile());
    return new Map(pages.map((name) => [`docs/reference/api/${name}`, readFileSync(join(folder, name), "utf8")]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
