// Where the files lie that tests use and the repository does not hold: `../shared` beside the project.
// Tests that need them are skipped where they are missing, and say so in their name.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../src/core/index.ts";

export const sharedPath = (path: string): string => join(projectRoot, "../shared", path);
export const hasShared: boolean = existsSync(sharedPath("fixtures"));
