#!/usr/bin/env node
// The command. It is there before the project is built: npm and npx link only a file that is there, and npx remembers.
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const main = new URL("../dist/cli/main.js", import.meta.url);
if (existsSync(main)) await import(main.href);
else {
  console.error(
    `layerwise: It is not built yet. Run npm run build in ${dirname(dirname(fileURLToPath(import.meta.url)))}.`,
  );
  process.exitCode = 1;
}
