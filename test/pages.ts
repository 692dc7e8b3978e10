// The project's pages, which several tests read.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../src/core/index.ts";

/** The files of a folder and its subfolders, relative to the project's root. */
export const filesOf = (folder: string): string[] =>
  readdirSync(join(projectRoot, folder), { recursive: true }).map((file) => join(folder, String(file)));

/** The Markdown pages. */
export const pages: readonly string[] = [
  "README.md",
  "FEATURES.md",
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  "embedded/README.md",
  ...filesOf("docs").filter((file) => file.endsWith(".md")),
];
