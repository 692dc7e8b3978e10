// Compiles src/ into a fresh dist/; the marker file is written last, so a cut build is built again.
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root, run } from "./setup.mjs";

rmSync(join(root, "dist"), { recursive: true, force: true });
run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.build.json"]);
writeFileSync(join(root, "dist/.built"), "");
