// Compiles src/ into a new dist/. The marker file is written last, so an interrupted build is repeated.
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root, run } from "./setup.mjs";

rmSync(join(root, "dist"), { recursive: true, force: true });
run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.build.json"]);
writeFileSync(join(root, "dist/.built"), "");
